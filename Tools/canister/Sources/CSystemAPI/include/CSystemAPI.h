// The part of the Internet Computer's System API that Cairn uses: what a replica lends to a canister.
// Source: the Internet Computer interface specification, "System API". Addresses of the 32-bit flavour are 32 bits wide,
// but for those of the calls named stable64, which are 64.

#pragma once

#include <stdint.h>

#if defined(__wasm__)

#define SYSTEM_API(name) __attribute__((import_module("ic0"), import_name(#name))) extern

// Stable memory: pages of 64 KiB, growing only, kept across upgrades. A grow that is refused returns all ones.
SYSTEM_API(stable64_size) uint64_t ic0_stable64_size(void);
SYSTEM_API(stable64_grow) uint64_t ic0_stable64_grow(uint64_t additional_pages);
SYSTEM_API(stable64_read) void ic0_stable64_read(uint64_t target, uint64_t offset, uint64_t size);
SYSTEM_API(stable64_write) void ic0_stable64_write(uint64_t offset, uint64_t source, uint64_t size);

// The message that is executed: its argument, its caller, its answer.
SYSTEM_API(msg_arg_data_size) uint32_t ic0_msg_arg_data_size(void);
SYSTEM_API(msg_arg_data_copy) void ic0_msg_arg_data_copy(uint32_t target, uint32_t offset, uint32_t size);
SYSTEM_API(msg_caller_size) uint32_t ic0_msg_caller_size(void);
SYSTEM_API(msg_caller_copy) void ic0_msg_caller_copy(uint32_t target, uint32_t offset, uint32_t size);
SYSTEM_API(msg_reply_data_append) void ic0_msg_reply_data_append(uint32_t source, uint32_t size);
SYSTEM_API(msg_reply) void ic0_msg_reply(void);

// Ends the message; the replica takes back everything that it changed.
SYSTEM_API(trap) void ic0_trap(uint32_t text, uint32_t size);

// Nanoseconds since 1970, the same during a whole message; the number of the canister's version.
SYSTEM_API(time) uint64_t ic0_time(void);
SYSTEM_API(canister_version) uint64_t ic0_canister_version(void);

// Instructions that the message (0) has taken so far.
SYSTEM_API(performance_counter) uint64_t ic0_performance_counter(uint32_t counter);

#undef SYSTEM_API

#endif
