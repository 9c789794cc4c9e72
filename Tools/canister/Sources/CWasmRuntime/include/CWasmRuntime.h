#ifndef CAIRN_WASM_RUNTIME_H
#define CAIRN_WASM_RUNTIME_H

// Nothing to declare: the linker finds what Swift's runtime asks for by name.

#endif
