extension BlockView {
  /// Verifies what stands on the memory at the home of a metadata block that is cached: the cache hides what becomes of it.
  /// A block that is not cached is verified when it is read, and one that is still to be written home has nothing there yet.
  package func verifyHome(_ block: BlockNumber) throws(StorageError) {
    try core.locked { () throws(StorageError) in
      let number = block.rawValue
      guard core.table.find(number, sequence: sequence) != nil, core.dirty[number] == nil,
        core.imageOverrides[number] == nil
      else { return }
      let frame = try core.makeFrame(number)
      defer { core.frames.discard(frame.bytes) }
      _ = try core.readHome(frame, number)
    }
  }
}
