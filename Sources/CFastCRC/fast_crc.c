#include "fast_crc.h"

// The message is a polynomial over GF(2); carry-less multiplication folds 64 bytes at a time onto the next 64, then onto
// 16, then reduces what is left modulo the CRC's polynomial (V. Gopal et al., "Fast CRC Computation for Generic
// Polynomials Using PCLMULQDQ Instruction", Intel, 2009; the constants are those of its reflected CRC-32).

#if defined(__x86_64__)

#include <immintrin.h>

int fast_crc32_is_available(void) {
  return __builtin_cpu_supports("pclmul") && __builtin_cpu_supports("sse4.1");
}

#define WITH_CLMUL __attribute__((target("pclmul,sse4.1")))

// One step: `state` shifted by the distance that the factors stand for, plus the bytes that are there.
WITH_CLMUL static inline __m128i fold(__m128i state, __m128i factors, __m128i next) {
  __m128i low = _mm_clmulepi64_si128(state, factors, 0x00);
  __m128i high = _mm_clmulepi64_si128(state, factors, 0x11);
  return _mm_xor_si128(_mm_xor_si128(low, high), next);
}

WITH_CLMUL static inline __m128i load(const uint8_t *bytes) { return _mm_loadu_si128((const __m128i *)bytes); }

WITH_CLMUL uint32_t fast_crc32(uint32_t seed, const void *start, size_t count) {
  const uint8_t *bytes = start;
  // x^(512+32), x^(512-32); x^(128+32), x^(128-32); x^64; the polynomial and its inverse: modulo P, bits reversed.
  const __m128i by64 = _mm_set_epi64x(0x01c6e41596, 0x0154442bd4);
  const __m128i by16 = _mm_set_epi64x(0x00ccaa009e, 0x01751997d0);
  const __m128i by8 = _mm_set_epi64x(0, 0x0163cd6124);
  const __m128i reduction = _mm_set_epi64x(0x01f7011641, 0x01db710641);
  const __m128i low32 = _mm_setr_epi32(-1, 0, -1, 0);

  __m128i a = _mm_xor_si128(load(bytes), _mm_cvtsi32_si128((int)~seed));
  __m128i b = load(bytes + 16), c = load(bytes + 32), d = load(bytes + 48);
  bytes += 64;
  count -= 64;
  while (count >= 64) {
    a = fold(a, by64, load(bytes));
    b = fold(b, by64, load(bytes + 16));
    c = fold(c, by64, load(bytes + 32));
    d = fold(d, by64, load(bytes + 48));
    bytes += 64;
    count -= 64;
  }
  a = fold(fold(fold(a, by16, b), by16, c), by16, d);
  while (count >= 16) {
    a = fold(a, by16, load(bytes));
    bytes += 16;
    count -= 16;
  }
  // 128 bits to 96, to 64, to 32.
  a = _mm_xor_si128(_mm_srli_si128(a, 8), _mm_clmulepi64_si128(a, by16, 0x10));
  a = _mm_xor_si128(_mm_srli_si128(a, 4), _mm_clmulepi64_si128(_mm_and_si128(a, low32), by8, 0x00));
  __m128i quotient = _mm_clmulepi64_si128(_mm_and_si128(a, low32), reduction, 0x10);
  a = _mm_xor_si128(a, _mm_clmulepi64_si128(_mm_and_si128(quotient, low32), reduction, 0x00));
  return ~(uint32_t)_mm_extract_epi32(a, 1);
}

#else

int fast_crc32_is_available(void) { return 0; }

// Never called: nothing is available.
uint32_t fast_crc32(uint32_t seed, const void *bytes, size_t count) {
  (void)bytes;
  (void)count;
  return seed;
}

#endif
