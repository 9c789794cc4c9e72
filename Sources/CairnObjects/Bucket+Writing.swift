public import CairnBlocks
import CairnBytes
import CairnVolumes

extension Bucket {
  /// Puts an object, in the place of the one that may be there.
  ///
  /// - Throws: `notFound` for the bucket, `invalidKey`, `preconditionFailed`, `full`.
  @discardableResult
  public func put(
    _ key: ObjectKey, _ bytes: RawSpan, _ options: ObjectOptions = ObjectOptions(),
    if conditions: ObjectConditions = .none
  ) throws(StorageError) -> ObjectInfo {
    let head = try prepare(key, options)
    return try put(key, head, try trees.place(bytes, key: key.bytes, head: head), conditions)
  }

  /// Puts an object, in the place of the one that may be there.
  ///
  /// - Throws: `notFound` for the bucket, `invalidKey`, `preconditionFailed`, `full`.
  @discardableResult
  public func put(
    _ key: ObjectKey, _ bytes: [UInt8], _ options: ObjectOptions = ObjectOptions(),
    if conditions: ObjectConditions = .none
  ) throws(StorageError) -> ObjectInfo {
    try BulkCopy.withRawSpan(of: bytes) { (span) throws(StorageError) in
      try put(key, span, options, if: conditions)
    }
  }

  /// Puts an object whose contents a writer has brought to the device. The writer can not be used again, whatever the
  /// outcome is.
  @discardableResult
  public func put(
    _ key: ObjectKey, _ writer: ObjectWriter, _ options: ObjectOptions = ObjectOptions(),
    if conditions: ObjectConditions = .none
  ) throws(StorageError) -> ObjectInfo {
    let head = try prepare(key, options)
    return try put(key, head, try writer.place(in: trees, key: key.bytes, head: head), conditions)
  }

  /// Copies an object: its contents, and what was stored with it. The ETag is the same unless another is given.
  ///
  /// - Parameters:
  ///   - source: the object to copy.
  ///   - bucket: where it is, possibly in another volume; nil: in this one.
  ///   - key: the copy, possibly the object itself.
  ///   - sourceConditions: what must hold of the source.
  ///   - conditions: what must hold of the object that may be in the copy's place.
  ///   - options: what to store with the copy instead of what the source has.
  @discardableResult
  public func copy(
    _ source: ObjectKey, from bucket: Bucket? = nil, to key: ObjectKey,
    ifSource sourceConditions: ObjectConditions = .none,
    if conditions: ObjectConditions = .none, replacing options: ObjectOptions? = nil
  ) throws(StorageError) -> ObjectInfo {
    let reader = try (bucket ?? self).open(source, if: sourceConditions)
    let head = try prepare(key, options ?? reader.record.options)
    let placed = try trees.place(reader, key: key.bytes, head: head)
    return try put(key, head, placed, conditions)
  }

  /// Removes an object; false: there was none.
  ///
  /// - Throws: `notFound` for the bucket, and for the object when a tag or a time is asked of it; `preconditionFailed`.
  @discardableResult
  public func delete(_ key: ObjectKey, if conditions: ObjectConditions = .none) throws(StorageError) -> Bool {
    try requireAllowed(key)
    return try trees.volume.perform(
      recordsReads: true, releasesSpace: true,
      operation: { ObjectOperation.delete(bucket: name, key: key.bytes, conditions).encoded }
    ) { () throws(StorageError) in
      try trees.delete(bucket: name, key: key.bytes, conditions)
    }
  }

  /// Removes objects; for each whether it was there.
  @discardableResult
  public func delete(_ keys: [ObjectKey]) throws(StorageError) -> [Bool] {
    var found: [Bool] = []
    for key in keys { found.append(try delete(key)) }
    return found
  }

  /// The record of an object that is about to be put, once it is known that it may be.
  private func prepare(_ key: ObjectKey, _ options: ObjectOptions) throws(StorageError) -> ObjectRecord {
    try requireAllowed(key)
    try options.validate()
    try trees.volume.requireWrite()
    return ObjectRecord(options, modified: trees.volume.transaction.time)
  }

  private func put(
    _ key: ObjectKey, _ head: ObjectRecord, _ placed: PlacedContents, _ conditions: ObjectConditions
  ) throws(StorageError) -> ObjectInfo {
    let (record, runs) = try trees.record(head, placed, key: key.bytes)
    let put = ObjectPut(bucket: name, key: key.bytes, conditions: conditions, record: record, runs: runs)
    try trees.volume.perform(taking: placed.extents, operation: { ObjectOperation.put(put).encoded }) {
      () throws(StorageError) in
      try trees.put(put)
    }
    return record.info(key)
  }
}

extension ObjectTrees {
  /// Brings a copy of an object's contents to the device, a run at a time.
  fileprivate func place(
    _ source: ObjectReader, key: [UInt8], head: ObjectRecord
  ) throws(StorageError) -> PlacedContents {
    let size = source.info.size
    if size <= UInt64(ObjectLimits.runByteCount) {
      let bytes = try source.bytes(0..<size)
      return try BulkCopy.withRawSpan(of: bytes) { (span) throws(StorageError) in
        try place(span, key: key, head: head)
      }
    }
    var digest = TagDigest()
    var placed = try placeRuns(source, 0..<size) { (bytes, run) in digest.append(bytes, in: run) }
    placed.digest = digest.finish()
    return placed
  }

  /// Brings runs of a copy of an object's contents to the device.
  ///
  /// - Parameters:
  ///   - range: from one multiple of 1 MiB to another, or to the end.
  ///   - body: gets the bytes of each run and where they are.
  func placeRuns(
    _ source: ObjectReader, _ range: Range<UInt64>, _ body: (RawSpan, DataRun) -> Void
  ) throws(StorageError) -> PlacedContents {
    let extents = try volume.allocateData(byteCount: range.upperBound - range.lowerBound)
    var placed = PlacedContents(size: source.info.size, digest: 0, extents: extents)
    var writer = RunWriter(blockByteCount: volume.blockByteCount)
    writer.append(extents)
    try source.read(range) { (bytes) throws(StorageError) in
      let run = try writer.write(bytes) { (span, start) throws(StorageError) in
        try volume.writeData(span, at: start)
      }
      body(bytes, run)
      placed.runs.append(run)
    }
    return placed
  }
}
