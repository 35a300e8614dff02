//go:build !linux

package dev

import "syscall"

// childAttributes puts a child into a process group of its own, so that Ctrl-C at the terminal reaches the supervisor only. Only
// Linux can end it together with a supervisor that was killed.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}
