// Package bodytext turns the bytes of a message or a file into UTF-8: it removes content codings (gzip, deflate) and
// byte order marks, and decodes character sets. It knows neither HTTP nor JSON values.
package bodytext
