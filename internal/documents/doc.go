// Package documents draws the PDFs of an order: the requisition that goes to the lab with the sample, labels for tubes,
// collection instructions, ABNs, and lab reports for labs that send none. Each function gets the order and returns the
// bytes of a PDF. It has no other input, so the same order gives the same bytes.
//
// All documents except the instructions contain patient data.
package documents
