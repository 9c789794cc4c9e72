#ifndef FAST_HASH_H
#define FAST_HASH_H

#include <stddef.h>
#include <stdint.h>

/// Whether this processor multiplies four numbers at a time, so that `fast_hash_accumulate` may be called.
int fast_hash_is_available(void);

/// Takes `count` bytes into the eight accumulators of XXH3, more than 240: whole blocks of 1,024, the whole stripes of 64
/// behind them, and the last 64 once more, keyed with the 192 bytes of `secret`.
void fast_hash_accumulate(void *accumulators, const void *bytes, size_t count, const void *secret);

#endif
