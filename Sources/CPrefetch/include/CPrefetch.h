#ifndef CPREFETCH_H
#define CPREFETCH_H

/// Asks the processor for the cache line at an address and does not wait for it. Any address will do: one that is not
/// mapped asks for nothing. Swift has no name for this instruction.
static inline __attribute__((always_inline)) void cairn_prefetch(const void *address) { __builtin_prefetch(address); }

#endif
