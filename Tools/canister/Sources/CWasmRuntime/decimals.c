// Numbers written in decimal, which the standard library leaves to the C library: Double(String) calls the function below.
//
// The value is a quotient of two whole numbers, digits x 10^e over one or digits over 10^-e, and is divided bit by bit
// until the mantissa is full; what is left decides the rounding. So the result is the nearest double, ties to even, for
// texts of any length: of more than 800 digits the rest only says that something is left. Hexadecimal numbers are not read.

#if defined(__wasm__)

#include <stdint.h>

// 10^400 x 10^800 has 3,987 bits, and a shift by one more must fit.
#define WORD_COUNT 140
#define DIGITS_MAX 800

typedef struct {
  uint32_t words[WORD_COUNT];
  int count;
} whole;

static void multiply_add(whole *a, uint32_t factor, uint32_t addend) {
  uint64_t carry = addend;
  for (int i = 0; i < a->count; i++) {
    carry += (uint64_t)a->words[i] * factor;
    a->words[i] = (uint32_t)carry;
    carry >>= 32;
  }
  if (carry != 0 && a->count < WORD_COUNT) a->words[a->count++] = (uint32_t)carry;
}

static int bit_count(const whole *a) {
  int count = a->count * 32;
  if (count == 0) return 0;
  for (uint32_t top = a->words[a->count - 1]; (top & 0x80000000u) == 0; top <<= 1) count--;
  return count;
}

static void shift_left(whole *a, int bits) {
  int words = bits / 32, rest = bits % 32;
  if (a->count == 0) return;
  for (int i = a->count - 1; i >= 0; i--) a->words[i + words] = a->words[i];
  for (int i = 0; i < words; i++) a->words[i] = 0;
  a->count += words;
  if (rest != 0) multiply_add(a, 1u << rest, 0);
}

static int compare(const whole *a, const whole *b) {
  if (a->count != b->count) return a->count < b->count ? -1 : 1;
  for (int i = a->count - 1; i >= 0; i--) {
    if (a->words[i] != b->words[i]) return a->words[i] < b->words[i] ? -1 : 1;
  }
  return 0;
}

// a -= b; a is not less than b.
static void subtract(whole *a, const whole *b) {
  uint64_t borrow = 0;
  for (int i = 0; i < a->count; i++) {
    uint64_t difference = (uint64_t)a->words[i] - (i < b->count ? b->words[i] : 0) - borrow;
    a->words[i] = (uint32_t)difference;
    borrow = difference >> 63;
  }
  while (a->count > 0 && a->words[a->count - 1] == 0) a->count--;
}

static double assembled(int negative, uint64_t bits) {
  union {
    uint64_t bits;
    double value;
  } result = {.bits = bits | (negative ? 1ull << 63 : 0)};
  return result.value;
}

// The double nearest to numerator / denominator, neither of them zero.
static uint64_t quotient(whole *numerator, whole *denominator) {
  int exponent = bit_count(numerator) - bit_count(denominator);
  if (exponent > 0) shift_left(denominator, exponent);
  if (exponent < 0) shift_left(numerator, -exponent);
  if (compare(numerator, denominator) < 0) {
    shift_left(numerator, 1);
    exponent--;
  }
  // Now 1 <= numerator / denominator < 2, and the value is that times 2^exponent.
  if (exponent > 1023) return 0x7FFull << 52;
  int bits = exponent >= -1022 ? 53 : 53 - (-1022 - exponent);
  if (bits < 0) return 0;
  uint64_t mantissa = 0;
  for (int i = 0; i < bits; i++) {
    mantissa <<= 1;
    if (compare(numerator, denominator) >= 0) {
      subtract(numerator, denominator);
      mantissa |= 1;
    }
    shift_left(numerator, 1);
  }
  // What is left stands against half of the last place.
  int order = compare(numerator, denominator);
  if (order > 0 || (order == 0 && (mantissa & 1) != 0)) mantissa++;
  // A full mantissa carries into the exponent by itself, also from the subnormal numbers into the others.
  return exponent >= -1022 ? ((uint64_t)(exponent + 1022) << 52) + mantissa : mantissa;
}

static int is_word(const char *text, const char *word) {
  int i = 0;
  for (; word[i] != 0; i++) {
    if ((text[i] | 0x20) != word[i]) return 0;
  }
  return i;
}

// Reads a number at the beginning of a text that ends with a zero; where it ends, or null when there is none.
const char *_swift_stdlib_strtod_clocale(const char *text, double *result) {
  const char *place = text;
  int negative = *place == '-';
  if (*place == '-' || *place == '+') place++;
  int length;
  if ((length = is_word(place, "infinity")) != 0 || (length = is_word(place, "inf")) != 0) {
    *result = assembled(negative, 0x7FFull << 52);
    return place + length;
  }
  if ((length = is_word(place, "nan")) != 0) {
    *result = assembled(negative, 0x7FF8ull << 48);
    return place + length;
  }

  static whole numerator, denominator;
  numerator.count = 0;
  denominator.words[0] = 1;
  denominator.count = 1;
  int digits = 0, any = 0, isFraction = 0, rest = 0;
  int64_t power = 0;
  for (;; place++) {
    if (*place == '.' && !isFraction) {
      isFraction = 1;
      continue;
    }
    if (*place < '0' || *place > '9') break;
    any = 1;
    if (digits < DIGITS_MAX) {
      if (digits > 0 || *place != '0') {
        multiply_add(&numerator, 10, (uint32_t)(*place - '0'));
        digits++;
      }
      power -= isFraction;
    } else {
      rest |= *place != '0';
      power += !isFraction;
    }
  }
  if (!any) return 0;
  if (rest) {
    multiply_add(&numerator, 10, 1);
    digits++;
    power--;
  }
  if ((*place | 0x20) == 'e') {
    const char *mark = place++;
    int minus = *place == '-';
    if (*place == '-' || *place == '+') place++;
    if (*place < '0' || *place > '9') {
      place = mark;
    } else {
      int64_t value = 0;
      for (; *place >= '0' && *place <= '9'; place++) {
        if (value < 1000000000) value = value * 10 + (*place - '0');
      }
      power += minus ? -value : value;
    }
  }
  if (digits == 0 || digits + power < -330) {
    *result = assembled(negative, 0);
  } else if (digits + power > 310) {
    *result = assembled(negative, 0x7FFull << 52);
  } else {
    for (; power > 0; power--) multiply_add(&numerator, 10, 0);
    for (; power < 0; power++) multiply_add(&denominator, 10, 0);
    *result = assembled(negative, quotient(&numerator, &denominator));
  }
  return place;
}

#endif
