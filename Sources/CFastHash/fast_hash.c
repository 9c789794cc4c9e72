#include "fast_hash.h"

// The inner loop of XXH3 with vectors of 256 bits. What it computes stands in XXHash3.swift, which does the rest.

#if defined(__x86_64__)

#include <immintrin.h>

int fast_hash_is_available(void) { return __builtin_cpu_supports("avx2"); }

#define WITH_AVX2 __attribute__((target("avx2")))

enum { STRIPE = 64, STRIPES_PER_BLOCK = 16, SECRET = 192, SECRET_STEP = 8 };

WITH_AVX2 static inline __m256i load(const void *bytes) { return _mm256_loadu_si256((const __m256i *)bytes); }

// Four lanes: the product of the two halves of each keyed word, and the word itself for the lane beside it.
WITH_AVX2 static inline __m256i mixed(__m256i lanes, const uint8_t *bytes, const uint8_t *secret) {
  __m256i words = load(bytes);
  __m256i keyed = _mm256_xor_si256(words, load(secret));
  __m256i products = _mm256_mul_epu32(keyed, _mm256_srli_epi64(keyed, 32));
  __m256i swapped = _mm256_shuffle_epi32(words, _MM_SHUFFLE(1, 0, 3, 2));
  return _mm256_add_epi64(lanes, _mm256_add_epi64(products, swapped));
}

// Between two blocks: what a multiplication left in the upper bits comes down, and the lanes are keyed.
WITH_AVX2 static inline __m256i scrambled(__m256i lanes, const uint8_t *secret) {
  const __m256i prime = _mm256_set1_epi64x(0x9E3779B1);
  lanes = _mm256_xor_si256(lanes, _mm256_srli_epi64(lanes, 47));
  lanes = _mm256_xor_si256(lanes, load(secret));
  __m256i low = _mm256_mul_epu32(lanes, prime);
  __m256i high = _mm256_mul_epu32(_mm256_srli_epi64(lanes, 32), prime);
  return _mm256_add_epi64(low, _mm256_slli_epi64(high, 32));
}

WITH_AVX2 void fast_hash_accumulate(void *lanes, const void *start, size_t count, const void *key) {
  const uint8_t *bytes = start, *secret = key, *end = bytes + count;
  __m256i low = load(lanes), high = load((uint8_t *)lanes + 32);
  while (end - bytes > STRIPE * STRIPES_PER_BLOCK) {
    for (int stripe = 0; stripe < STRIPES_PER_BLOCK; stripe++) {
      _mm_prefetch((const char *)bytes + 512, _MM_HINT_T0);
      low = mixed(low, bytes, secret + stripe * SECRET_STEP);
      high = mixed(high, bytes + 32, secret + stripe * SECRET_STEP + 32);
      bytes += STRIPE;
    }
    low = scrambled(low, secret + SECRET - STRIPE);
    high = scrambled(high, secret + SECRET - STRIPE + 32);
  }
  for (int stripe = 0; end - bytes > STRIPE; stripe++) {
    low = mixed(low, bytes, secret + stripe * SECRET_STEP);
    high = mixed(high, bytes + 32, secret + stripe * SECRET_STEP + 32);
    bytes += STRIPE;
  }
  // The last stripe, wherever it begins, with a key that no other one has.
  low = mixed(low, end - STRIPE, secret + SECRET - STRIPE - 7);
  high = mixed(high, end - STRIPE + 32, secret + SECRET - STRIPE - 7 + 32);
  _mm256_storeu_si256((__m256i *)lanes, low);
  _mm256_storeu_si256((__m256i *)((uint8_t *)lanes + 32), high);
}

#endif
