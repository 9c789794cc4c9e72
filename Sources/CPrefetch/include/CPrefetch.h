#ifndef CPREFETCH_H
#define CPREFETCH_H

#include <stddef.h>

/// Asks the processor for the cache line at an address and does not wait for it. Any address will do: one that is not
/// mapped asks for nothing. Swift has no name for this instruction.
static inline __attribute__((always_inline)) void cairn_prefetch(const void *address) { __builtin_prefetch(address); }

/// Asks the system to back memory by large pages, so that fewer addresses have to be translated. A hint; `address` is a multiple of
/// the page size.
void cairn_prefer_huge_pages(void *address, size_t count);

#endif
