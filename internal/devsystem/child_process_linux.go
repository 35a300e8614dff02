package devsystem

import "syscall"

// childAttributes puts a child into its own process group, so that Ctrl-C at the terminal reaches the supervisor only.
// The kernel kills the child when the supervisor dies in any way.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
