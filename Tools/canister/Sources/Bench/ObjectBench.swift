#if arch(wasm32)
  import CairnBlocks
  import CairnObjects
  import CairnVolumes

  // Objects: a large one in pieces, and many small ones.

  private func onBucket(_ body: (Bucket) throws(StorageError) -> UInt64) {
    measured { (store) throws(StorageError) in
      try store.transaction { (transaction) throws(StorageError) in try body(try transaction.bucket("b")) }
    }
  }

  /// 100 MiB in pieces of 1 MiB.
  @_expose(wasm, "canister_update large_put") @c(bench_large_put)
  public func largePut() {
    measured { (store) throws(StorageError) in
      let piece = [UInt8](repeating: 7, count: 1 << 20)
      let writer = try store.objectWriter(expecting: 100 << 20)
      for _ in 0..<100 { try writer.write(piece) }
      let info = try store.transaction { (transaction) throws(StorageError) in
        try transaction.bucket("b").put("large", writer)
      }
      return info.size
    }
  }

  /// The same 100 MiB, read and verified.
  @_expose(wasm, "canister_update large_get") @c(bench_large_get)
  public func largeGet() {
    onBucket { (bucket) throws(StorageError) in
      var count: UInt64 = 0
      try bucket.get("large") { (bytes) throws(StorageError) in count += UInt64(bytes.byteCount) }
      return count
    }
  }

  private func key(_ index: UInt64) -> ObjectKey { ObjectKey(blob(number(index), count: 16)) }

  /// 10,000 objects of 100 bytes.
  @_expose(wasm, "canister_update objects_put") @c(bench_objects_put)
  public func objectsPut() {
    onBucket { (bucket) throws(StorageError) in
      for index in 0..<operationCount { try bucket.put(key(index), blob(index, count: 100)) }
      return operationCount
    }
  }

  /// All objects of the bucket in one listing.
  @_expose(wasm, "canister_update objects_list") @c(bench_objects_list)
  public func objectsList() {
    onBucket { (bucket) throws(StorageError) in
      UInt64(try bucket.list(ObjectQuery(prefix: "", limit: 20_000)).objects.count)
    }
  }

  /// The contents of 10,000 objects.
  @_expose(wasm, "canister_update objects_get") @c(bench_objects_get)
  public func objectsGet() {
    onBucket { (bucket) throws(StorageError) in
      var sum: UInt64 = 0
      for index in 0..<operationCount { sum += UInt64(try bucket.get(key(index))[7]) }
      return sum
    }
  }
#endif
