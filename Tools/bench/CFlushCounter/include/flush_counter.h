// Counts the calls of this process that make a file durable, whoever makes them: the functions of the same names in the
// C library are replaced by ones that count and then do the same.
#pragma once
#include <stdint.h>

/// How many flushes were asked for so far.
uint64_t flush_counter_value(void);
