// The rest of the C library that Embedded Swift reaches for on wasm32-unknown-none.

#if defined(__wasm__)

#include <stddef.h>
#include <stdint.h>

// With bulk memory these are single instructions, not calls to themselves.
void *memcpy(void *target, const void *source, size_t count) { return __builtin_memcpy(target, source, count); }

void *memmove(void *target, const void *source, size_t count) { return __builtin_memmove(target, source, count); }

void *memset(void *target, int byte, size_t count) { return __builtin_memset(target, byte, count); }

int memcmp(const void *left, const void *right, size_t count) {
  const unsigned char *a = left, *b = right;
  for (size_t i = 0; i < count; i++)
    if (a[i] != b[i]) return a[i] < b[i] ? -1 : 1;
  return 0;
}

size_t strlen(const char *text) {
  size_t count = 0;
  while (text[count] != 0) count++;
  return count;
}

// The seed of Swift's Hasher. The same bytes each time on purpose: replicas of a canister must agree on everything.
void arc4random_buf(void *target, size_t count) {
  unsigned char *bytes = target;
  for (size_t i = 0; i < count; i++) bytes[i] = (unsigned char)(0x5A ^ i * 0x3B);
}

// What is printed goes nowhere: a core library has nobody to talk to.
int putchar(int character) { return character; }

#endif
