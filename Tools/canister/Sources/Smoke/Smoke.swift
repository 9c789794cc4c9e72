#if arch(wasm32)
  /// Runs every part. The result is 0, or the number of the first part that went wrong (its place in the list, from 1).
  ///
  /// This program exists to be compiled: what Embedded Swift lacks shows in generic code only where somebody uses it. So
  /// each part calls every public generic entry point of its layer once (`Tools/dev lint` compares their names), and checks a little of what comes out. A new layer adds
  /// a file and a line here.
  @_expose(wasm, "smoke") @c(cairn_smoke)
  public func smoke() -> Int32 {
    let parts: [() -> Bool] = [
      smokeRuntime,
      smokeBytes,
      smokeMemory,
      smokeBlocks,
      smokeTrees,
      smokeStore,
      smokeMaps,
      smokeTables,
      smokeTypedTables,
      smokeWork,
    ]
    for (index, part) in parts.enumerated() where !part() {
      return Int32(index) + 1
    }
    return 0
  }
#endif
