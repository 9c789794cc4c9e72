// Arithmetic on 128 bits, which the compiler leaves to functions of these names. The bodies use 64-bit halves only:
// an operator on __int128 here would call the function itself.

#if defined(__wasm__)

#include <stdint.h>

typedef union {
  __int128 value;
  unsigned __int128 bits;
  struct {
    uint64_t low, high;
  };
} wide;

static wide negated(wide a) {
  wide result = {.low = ~a.low + 1, .high = ~a.high};
  if (result.low == 0) result.high++;
  return result;
}

static wide multiplied(wide a, wide b) {
  uint64_t a0 = (uint32_t)a.low, a1 = a.low >> 32, b0 = (uint32_t)b.low, b1 = b.low >> 32;
  uint64_t p00 = a0 * b0, p01 = a0 * b1, p10 = a1 * b0, p11 = a1 * b1;
  uint64_t middle = (p00 >> 32) + (uint32_t)p01 + (uint32_t)p10;
  wide result;
  result.low = (middle << 32) | (uint32_t)p00;
  result.high = p11 + (p01 >> 32) + (p10 >> 32) + (middle >> 32) + a.low * b.high + a.high * b.low;
  return result;
}

static wide divided(wide number, wide divisor, wide *remainder) {
  wide quotient = {.low = 0, .high = 0}, rest = {.low = 0, .high = 0};
  for (int bit = 127; bit >= 0; bit--) {
    uint64_t next = (bit >= 64 ? number.high >> (bit - 64) : number.low >> bit) & 1;
    rest.high = (rest.high << 1) | (rest.low >> 63);
    rest.low = (rest.low << 1) | next;
    if (rest.high > divisor.high || (rest.high == divisor.high && rest.low >= divisor.low)) {
      rest.high -= divisor.high + (rest.low < divisor.low ? 1 : 0);
      rest.low -= divisor.low;
      if (bit >= 64) quotient.high |= (uint64_t)1 << (bit - 64);
      else quotient.low |= (uint64_t)1 << bit;
    }
  }
  *remainder = rest;
  return quotient;
}

static int is_negative(wide a) { return (int64_t)a.high < 0; }

__int128 __multi3(__int128 left, __int128 right) {
  wide a = {.value = left}, b = {.value = right};
  return multiplied(a, b).value;
}

unsigned __int128 __udivti3(unsigned __int128 number, unsigned __int128 divisor) {
  wide a = {.bits = number}, b = {.bits = divisor}, rest;
  return divided(a, b, &rest).bits;
}

unsigned __int128 __umodti3(unsigned __int128 number, unsigned __int128 divisor) {
  wide a = {.bits = number}, b = {.bits = divisor}, rest;
  divided(a, b, &rest);
  return rest.bits;
}

__int128 __divti3(__int128 number, __int128 divisor) {
  wide a = {.value = number}, b = {.value = divisor}, rest;
  int flips = is_negative(a) != is_negative(b);
  wide result = divided(is_negative(a) ? negated(a) : a, is_negative(b) ? negated(b) : b, &rest);
  return (flips ? negated(result) : result).value;
}

__int128 __modti3(__int128 number, __int128 divisor) {
  wide a = {.value = number}, b = {.value = divisor}, rest;
  divided(is_negative(a) ? negated(a) : a, is_negative(b) ? negated(b) : b, &rest);
  return (is_negative(a) ? negated(rest) : rest).value;
}

__int128 __ashlti3(__int128 number, int count) {
  wide a = {.value = number}, result = a;
  if (count >= 64) {
    result.high = a.low << (count - 64);
    result.low = 0;
  } else if (count > 0) {
    result.high = (a.high << count) | (a.low >> (64 - count));
    result.low = a.low << count;
  }
  return result.value;
}

__int128 __lshrti3(__int128 number, int count) {
  wide a = {.value = number}, result = a;
  if (count >= 64) {
    result.low = a.high >> (count - 64);
    result.high = 0;
  } else if (count > 0) {
    result.low = (a.low >> count) | (a.high << (64 - count));
    result.high = a.high >> count;
  }
  return result.value;
}

__int128 __ashrti3(__int128 number, int count) {
  wide a = {.value = number}, result = a;
  uint64_t sign = is_negative(a) ? UINT64_MAX : 0;
  if (count >= 64) {
    result.low = count == 64 ? a.high : (uint64_t)((int64_t)a.high >> (count - 64));
    result.high = sign;
  } else if (count > 0) {
    result.low = (a.low >> count) | (a.high << (64 - count));
    result.high = (uint64_t)((int64_t)a.high >> count);
  }
  return result.value;
}

#endif
