#define _GNU_SOURCE
#include "CPrefetch.h"

#if defined(__linux__)

#include <sys/mman.h>

void cairn_prefer_huge_pages(void *address, size_t count) { (void)madvise(address, count, MADV_HUGEPAGE); }

#else

void cairn_prefer_huge_pages(void *address, size_t count) {
  (void)address;
  (void)count;
}

#endif
