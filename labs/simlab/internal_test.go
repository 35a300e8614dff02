package simlab

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestCheckDigit(t *testing.T) {
	t.Parallel()
	for _, number := range []string{"9420900204173500182641", "9420900204173500182719", "03071790000523483741"} {
		last := len(number) - 1
		require.Equal(t, number[last], checkDigit(number[:last]), number)
		// A number with a changed digit has another check digit.
		require.NotEqual(t, number[last], checkDigit("8"+number[1:last]), number)
	}
}

func TestTrackingNumbers(t *testing.T) {
	t.Parallel()
	taken := map[string]*tracker{}
	for range 1000 {
		number := newTrackingNumber(outboundPrefix, taken)
		require.Regexp(t, `^94\d{20}$`, number)
		require.Equal(t, number[21], checkDigit(number[:21]))
		require.NotContains(t, taken, number)
		taken[number] = &tracker{}
	}
}

func TestFactTimesIncreaseOnAFixedClock(t *testing.T) {
	t.Parallel()
	o := &order{}
	now := time.Date(2024, 3, 4, 16, 20, 11, 402915999, time.UTC)
	first, second := o.nextFactTime(now), o.nextFactTime(now)
	require.Equal(t, now.Truncate(time.Microsecond), first)
	require.Equal(t, first.Add(time.Microsecond), second)
	require.Equal(t, second.Add(time.Microsecond), o.nextFactTime(now.Add(-time.Hour)), "a clock that goes back")
}

// TestPDF reads the file like a PDF reader: from its end to the table, and from the table to the objects.
func TestPDF(t *testing.T) {
	t.Parallel()
	pdf := reportDocument{laboratory: "Simulated Laboratory", number: `N(1)\`, sample: "M000000001", version: 2,
		status:         statusFinal,
		interpretation: critical, reportedAt: "2026-03-04T15:30:00Z", missing: []string{"Triglycerides"},
		results: []reportLine{{name: "HDL Cholesterol", result: "31", unit: "mg/dL", reference: "40-100",
			flag: "L"}}}.render()
	require.True(t, bytes.HasPrefix(pdf, []byte("%PDF-1.4\n")))
	for _, shown := range []string{"Order N?1??", "Kit M000000001", "Version 2, final", "HDL Cholesterol", "31", "mg/dL",
		"40-100", "L", "Triglycerides", "not reported", "Overall: CRITICAL"} {
		require.Contains(t, string(pdf), "("+shown+") Tj")
	}
	lines := strings.Split(strings.TrimSpace(string(pdf)), "\n")
	require.Equal(t, "%%EOF", lines[len(lines)-1])
	table, err := strconv.Atoi(lines[len(lines)-2])
	require.NoError(t, err)
	entries := strings.Split(string(pdf[table:]), "\n")
	require.Equal(t, []string{"xref", "0 7", "0000000000 65535 f "}, entries[:3])
	for i := range 6 {
		entry := entries[3+i]
		require.Len(t, entry, 19)
		offset, err := strconv.Atoi(entry[:10])
		require.NoError(t, err)
		require.True(t, bytes.HasPrefix(pdf[offset:], fmt.Appendf(nil, "%d 0 obj\n", i+1)))
	}
	var length int
	_, after, found := strings.Cut(string(pdf), "/Length ")
	require.True(t, found)
	_, err = fmt.Sscanf(after, "%d", &length)
	require.NoError(t, err)
	stream, _, found := strings.Cut(after[strings.Index(after, "stream\n")+len("stream\n"):], "\nendstream")
	require.True(t, found)
	require.Len(t, stream, length)
}

// A report has a page for every thirty results, and each result once.
func TestPDFOfManyResults(t *testing.T) {
	t.Parallel()
	for results, pages := range map[int]int{0: 1, 1: 1, 30: 1, 31: 2, 95: 4} {
		d := reportDocument{}
		for i := range results {
			d.results = append(d.results, reportLine{name: fmt.Sprintf("Test %03d", i), result: "1"})
		}
		pdf := string(d.render())
		require.Equal(t, pages, strings.Count(pdf, "/Type /Page "))
		for i := range results {
			require.Equal(t, 1, strings.Count(pdf, fmt.Sprintf("(Test %03d)", i)))
		}
	}
}

func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	book := newOrderBook()
	for i := range maxOrders {
		book.add(&order{number: "N" + strconv.Itoa(i), kitID: "M" + strconv.Itoa(i)})
	}
	forgotten, err := book.dropOldestIfFull()
	require.NoError(t, err)
	require.Equal(t, "N0", forgotten.number)
	require.NotContains(t, book.byNumber, "N0")
	require.NotContains(t, book.kitIDs, "M0")
	forgotten, err = book.dropOldestIfFull()
	require.NoError(t, err)
	require.Nil(t, forgotten)

	book.add(&order{number: "last"})
	book.byAge[0].run = &scriptRun{done: make(chan struct{})}
	_, err = book.dropOldestIfFull()
	require.ErrorIs(t, err, errOrderLimit, "an order with a running script is not removed")
	stopped := false
	book.byAge[0].awaitsCondition, book.byAge[0].run.cancel = true, func() { stopped = true }
	waited := book.byAge[0]
	forgotten, err = book.dropOldestIfFull()
	require.NoError(t, err)
	require.Same(t, waited, forgotten, "one that waits for what may never come is not")
	require.True(t, stopped)

	for i := range maxOrders {
		_, err := book.expectedOrder(strconv.Itoa(i))
		require.NoError(t, err)
	}
	_, err = book.expectedOrder("one more")
	require.ErrorIs(t, err, errOrderLimit)
	_, err = book.expectedOrder("7")
	require.NoError(t, err)

	list := []int{}
	for i := range 25 {
		list = append(dropOlderHalf(list, 10), i)
	}
	require.LessOrEqual(t, len(list), 10)
	require.Equal(t, 24, list[len(list)-1])
}

func TestAppointmentBookIsBounded(t *testing.T) {
	t.Parallel()
	d := newAppointmentBook()
	at := slot{provider: providerQuest, location: "QNY1", start: time.Unix(1_709_600_400, 0)}
	first := &appointment{id: "first", number: "N"}
	d.assignSlot(first, at)
	d.add(first)
	require.False(t, d.isFree(at))
	for i := range maxOrders {
		d.add(&appointment{id: strconv.Itoa(i), number: "N" + strconv.Itoa(i%7)})
	}
	require.Len(t, d.byAge, maxOrders)
	require.Nil(t, d.find("N", "first"))
	require.True(t, d.isFree(at), "its slot is free")
	require.Equal(t, "0", d.byNumber["N0"][0].id)
}

func TestTrafficCountsDroppedEntries(t *testing.T) {
	t.Parallel()
	l := newTrafficLog(0, 10)
	for range 10 {
		l.startCall("PlaceOrder", "a", time.Now())
	}
	require.Zero(t, l.snapshot().Dropped)
	for range 35 {
		l.startCall("PlaceOrder", "a", time.Now())
		l.addAttempt(WebhookAttempt{})
	}
	a := l.snapshot()
	require.Len(t, a.WebhookAttempts, 35)
	require.Equal(t, 45, len(a.Calls)+a.Dropped)
	require.LessOrEqual(t, len(a.Calls), 10)
}
