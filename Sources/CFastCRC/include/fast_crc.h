#ifndef FAST_CRC_H
#define FAST_CRC_H

#include <stddef.h>
#include <stdint.h>

/// Whether this processor multiplies without carries, so that `fast_crc32` may be called.
int fast_crc32_is_available(void);

/// CRC-32 (polynomial 0xEDB88320, reflected) of `count` bytes behind those whose checksum is `seed`. `count` is a multiple
/// of 16, and at least 64.
uint32_t fast_crc32(uint32_t seed, const void *bytes, size_t count);

#endif
