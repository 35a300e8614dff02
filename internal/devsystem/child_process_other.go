//go:build !linux

package devsystem

import "syscall"

// childAttributes puts a child into its own process group, so that Ctrl-C at the terminal reaches the supervisor only.
// Only Linux can end a child together with a supervisor that was killed.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
