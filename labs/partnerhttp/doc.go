// Package partnerhttp holds what the adapters of partners share, independent of the protocol: an HTTP exchange whose
// outcome is classified by the errors of package labs, and functions that decode and check values from partners.
package partnerhttp
