package api

import (
	"net/http"
	"net/url"

	"github.com/gin-gonic/gin"
)

// unescapePath decodes the parameters of the path, which gin found in the escaped path (client-api#1-transport). In a
// path + stands for itself; gin itself would read it as a blank.
func (s *server) unescapePath(c *gin.Context) {
	for i, p := range c.Params {
		value, err := url.PathUnescape(p.Value)
		if err != nil { // net/http has read the path before, so that this does not happen
			abortWithDetail(c, http.StatusBadRequest, "The path cannot be read")
			return
		}
		c.Params[i].Value = value
	}
	c.Next()
}
