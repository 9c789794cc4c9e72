#include "flush_counter.h"

#include <stdatomic.h>
#include <stddef.h>

static _Atomic uint64_t count;

uint64_t flush_counter_value(void) { return atomic_load(&count); }

#ifdef __linux__
#include <sys/syscall.h>
#include <unistd.h>

int fsync(int descriptor) {
  atomic_fetch_add(&count, 1);
  return (int)syscall(SYS_fsync, descriptor);
}

int fdatasync(int descriptor) {
  atomic_fetch_add(&count, 1);
  return (int)syscall(SYS_fdatasync, descriptor);
}

int msync(void *address, size_t length, int flags) {
  atomic_fetch_add(&count, 1);
  return (int)syscall(SYS_msync, address, length, flags);
}
#endif
