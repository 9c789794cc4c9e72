// The heap of a WebAssembly instance: posix_memalign and free, which are all that Embedded Swift asks for.
//
// A block has a size class, four classes for each power of two, so that at most a fifth of it is lost. Freed blocks
// wait in the list of their class and are never split or joined: a store asks for the same few sizes again and again.
//
//     block start ... [class u32][distance to block start u32][8 bytes unused] payload ...
//
// The payload lies right behind the 16 bytes of its header, aligned to 16 or to what was asked for.

#if defined(__wasm__)

#include <stddef.h>
#include <stdint.h>

enum { HEADER = 16, GRAIN = 16, SMALL_CLASSES = 8, CLASSES = SMALL_CLASSES + 25 * 4, NO_MEMORY = 12, PAGE_SHIFT = 16 };

typedef struct {
  uint32_t class;
  uint32_t distance;
} header;

extern unsigned char __heap_base;

static uintptr_t heap_next;
static uintptr_t heap_end;
static void *free_blocks[CLASSES];

// The class of blocks with room for `need` bytes, and their size.
static uint32_t class_of(uint32_t need, uint32_t *size) {
  uint32_t rounded = (need + GRAIN - 1) & ~(uint32_t)(GRAIN - 1);
  if (rounded <= SMALL_CLASSES * GRAIN) {
    *size = rounded;
    return rounded / GRAIN - 1;
  }
  uint32_t power = 31 - (uint32_t)__builtin_clz(rounded - 1);
  uint32_t quarter = (rounded - 1) >> (power - 2);
  *size = (quarter + 1) << (power - 2);
  return SMALL_CLASSES + (power - 7) * 4 + quarter - 4;
}

// Takes `size` bytes from the end of the heap, which grows as needed.
static void *extend(uint32_t size) {
  if (heap_next == 0) {
    heap_next = ((uintptr_t)&__heap_base + GRAIN - 1) & ~(uintptr_t)(GRAIN - 1);
    heap_end = (uintptr_t)__builtin_wasm_memory_size(0) << PAGE_SHIFT;
  }
  if (size > UINTPTR_MAX - heap_next) return NULL;
  uintptr_t end = heap_next + size;
  if (end > heap_end) {
    size_t pages = (end - heap_end + (1u << PAGE_SHIFT) - 1) >> PAGE_SHIFT;
    if (__builtin_wasm_memory_grow(0, pages) == (size_t)-1) return NULL;
    heap_end += pages << PAGE_SHIFT;
  }
  void *block = (void *)heap_next;
  heap_next = end;
  return block;
}

int posix_memalign(void **result, size_t alignment, size_t size) {
  if (alignment < GRAIN) alignment = GRAIN;
  if (size > 0x70000000u || alignment > 0x10000u) return NO_MEMORY;
  uint32_t need = (uint32_t)size + HEADER + (alignment > GRAIN ? (uint32_t)alignment : 0);
  uint32_t block_size;
  uint32_t class = class_of(need, &block_size);
  unsigned char *block = free_blocks[class];
  if (block != NULL) {
    free_blocks[class] = *(void **)block;
  } else {
    block = extend(block_size);
    if (block == NULL) return NO_MEMORY;
  }
  uintptr_t payload = ((uintptr_t)block + HEADER + alignment - 1) & ~(uintptr_t)(alignment - 1);
  header *head = (header *)(payload - HEADER);
  head->class = class;
  head->distance = (uint32_t)(payload - (uintptr_t)block);
  *result = (void *)payload;
  return 0;
}

void free(void *payload) {
  if (payload == NULL) return;
  header head = *(header *)((uintptr_t)payload - HEADER);
  void *block = (void *)((uintptr_t)payload - head.distance);
  *(void **)block = free_blocks[head.class];
  free_blocks[head.class] = block;
}

#endif
