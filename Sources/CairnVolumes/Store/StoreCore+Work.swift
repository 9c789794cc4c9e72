import CairnBlocks
import CairnTrees

// Steps of long work. What a step changes and the cursor that says so are one commit, so a step is done once, whatever happens.

extension StoreCore {
  /// Does the next piece of the oldest long work; true when there is none.
  func workStep(budget: Int) throws(StorageError) -> Bool {
    guard !isReadOnly else { throw .readOnly }
    guard let id = try device.read({ (view) throws(StorageError) in try self.nextWork(in: view) }) else { return true }
    try write { (writer) throws(StorageError) in
      writer.annotation = annotation(.maintenance, nil, nil, in: writer)
      let transaction = try Transaction(self, mode: .single, view: writer.view, writer: writer, principal: nil)
      defer { transaction.end() }
      guard var record = try catalog.work(id, in: writer.view) else { return }
      if let found = transaction.state.volume(record.volume), found.record.incarnation == record.incarnation,
        !found.record.isBeingRemoved
      {
        let volume = try transaction.open(found, isAccessChecked: false)
        let cursor = try volume.filesystem.advance(volume, record.work, cursor: record.cursor, budget: max(1, budget))
        if let cursor {
          record.cursor = cursor
          record.stepCount += 1
          try setWork(id, record, in: writer)
        } else {
          try setWork(id, nil, in: writer)
        }
      } else {
        // The volume is gone, and with it what was to be done.
        try setWork(id, nil, in: writer)
      }
      try transaction.finish(writer)
    }
    return false
  }

  private func setWork(_ id: UInt64, _ record: WorkRecord?, in writer: BlockTransaction) throws(StorageError) {
    guard let record else {
      writer.usesReserve = true
      try catalog.tree.delete(CatalogKey.work(id), in: writer)
      return
    }
    guard record.cursor.count <= WorkRecord.cursorByteCountMax else {
      throw .valueTooLarge(byteCount: UInt64(record.cursor.count), limit: UInt64(WorkRecord.cursorByteCountMax))
    }
    try catalog.tree.put(CatalogKey.work(id), record.encoded, in: writer)
  }

  /// The oldest work that this program can do: without its filesystem nobody knows what it means.
  private func nextWork(in view: BlockView) throws(StorageError) -> UInt64? {
    let works = try catalog.works(in: view)
    guard !works.isEmpty else { return nil }
    let state = try state(try catalog.store(in: view), in: view)
    return works.first { work in
      // Its end was promised to a prepared transaction, which breaks it off.
      let key = KeyRange(key: CatalogKey.work(work.id))
      guard state.holds?.refuseWrite(catalog.tree.root, key) != true else { return false }
      guard let found = state.volume(work.record.volume) else { return true }
      return filesystem(found.record.kind) != nil
    }?.id
  }
}
