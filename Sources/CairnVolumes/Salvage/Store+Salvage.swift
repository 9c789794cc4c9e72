public import CairnBlocks
public import CairnMemory

extension Store {
  /// Makes a new store of what still verifies of a damaged one: volumes with their contents, grants, and the outcomes of
  /// multi-call transactions. The damaged image is only read.
  ///
  /// * What does not verify is left out and told, once for each thing, never copied. Nodes of trees that no intact node leads
  ///   to any more are looked for among all blocks that the bitmaps say are in use.
  /// * Transactions that were open are rolled back in the copy, and told as lost: what they staged names blocks of the old
  ///   image. A late commit gets the answer that they were rolled back.
  /// * A volume whose record is lost is found by its root tree, if a registered filesystem recognizes it, and is called
  ///   `recovered-` and its id then. One of a kind that nobody knows, or whose filesystem cannot salvage, is lost as a whole.
  /// * With a damaged journal the copy shows the state before the damage, with blocks that had gone home since.
  /// * The copy has an id of its own. Time: the trees are read twice; if a node is lost, a few bytes of every used block, too.
  ///
  /// At least one superblock must be intact.
  ///
  /// - Parameters:
  ///   - source: The damaged image.
  ///   - target: A memory without an image; it grows to the size of `source`, and beyond if need be.
  ///   - options: The filesystems and the environment; the rest does not matter.
  ///   - progress: Called now and then; what it throws breaks the salvage off, and the copy is worthless.
  ///   - lost: Called for each loss as it is found.
  public static func salvage(
    from source: any StableMemory, to target: any StableMemory, options: StoreOptions,
    progress: @escaping (CheckProgress) throws(StorageError) -> Void = { (_) throws(StorageError) in },
    lost: @escaping (SalvageLoss) throws(StorageError) -> Void
  ) throws(StorageError) -> SalvageReport {
    var options = options
    options.principal = nil
    options.whenClosed = nil
    options.device.isReadOnly = true
    options.device.isSalvaging = true
    let device = try BlockDevice.open(source, options: deviceOptions(options), environment: options.environment)
    let snapshot = try device.snapshot()
    defer { snapshot.end() }

    let pages = source.pageCount
    let unflushed = DeferredFlushMemory(target)
    if target.pageCount < pages {
      try onMemory { () throws(MemoryError) in try target.grow(by: pages - target.pageCount) }
    }
    options.device.isReadOnly = false
    options.device.isSalvaging = false
    let copy = try create(on: unflushed, format: device.formatOptions, options: options)
    let salvage = try Salvage(
      device: device, view: snapshot.view, target: copy, filesystems: options.filesystems, progress: progress,
      lost: lost)
    try salvage.run()
    try copy.close()
    try onMemory { () throws(MemoryError) in try unflushed.finish() }
    return salvage.report
  }
}
