// Package documents draws what is printed about an order: the requisition that goes to the lab with the sample, the labels of the
// tubes, how the sample is taken, and a report of results for labs that send none of their own. It is given the order and gives the
// bytes of a PDF; it reaches for nothing else, and the same order gives the same bytes.
//
// What is drawn is patient data, but for the instructions.
package documents
