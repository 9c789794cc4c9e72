#ifndef WRITEBACK_H
#define WRITEBACK_H

#include <stdint.h>

/// Asks the system to begin to bring `count` bytes of an open file, from `offset` on, to the device, and does not wait for it.
/// A hint: nothing is durable behind it, and a system without such a call does nothing.
void begin_writeback(int file, int64_t offset, int64_t count);

#endif
