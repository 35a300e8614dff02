package devsystem

import "syscall"

// childAttributes puts a child into a process group of its own, so that Ctrl-C at the terminal reaches the supervisor only, and
// lets the kernel kill it when the supervisor dies, however that happens.
func childAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
