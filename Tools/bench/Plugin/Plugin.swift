internal import CairnBlocks
internal import CairnBytes
internal import CairnMaps
internal import CairnMemory
internal import CairnObjects
internal import CairnVolumes
internal import Glibc

// Cairn behind a C interface, for a benchmark harness that loads engines as shared objects. Built for that alone:
// one thread, and whatever fails is said on standard error and answered with -1.

/// An open store.
private final class OpenStore {
  let store: Store
  /// What is put between begin and commit: it is done at commit, in one transaction.
  var pending: [(key: [UInt8], value: [UInt8])] = []
  var places: [[UInt8]: Int] = [:]
  var snapshot: StoreSnapshot?
  var map: ByteMap?

  init(_ store: Store) { self.store = store }
}

private func handle(_ pointer: UnsafeMutableRawPointer) -> OpenStore {
  unsafe Unmanaged<OpenStore>.fromOpaque(pointer).takeUnretainedValue()
}

/// Writes a line to standard error.
private func say(_ text: String) {
  let bytes = Array("cairn: \(text)\n".utf8)
  _ = unsafe bytes.withUnsafeBytes { unsafe write(STDERR_FILENO, $0.baseAddress, $0.count) }
}

private func attempt(_ what: StaticString, _ body: () throws(StorageError) -> Void) -> Int32 {
  do throws(StorageError) {
    try body()
    return 0
  } catch {
    say("\(what): \(error)")
    return -1
  }
}

private func bytes(_ start: UnsafeRawPointer, _ count: Int) -> [UInt8] {
  unsafe [UInt8](UnsafeRawBufferPointer(start: start, count: count))
}

/// Opens or makes a store in a folder.
@c public func peer_open(_ folder: UnsafePointer<CChar>) -> UnsafeMutableRawPointer? {
  let path = unsafe String(cString: folder) + "/store.cairn"
  do {
    let isNew = unsafe access(path, F_OK) != 0
    let memory =
      isNew
      ? try FileMemory.create(path: path, byteCount: 1536 << 20, isZeroFilled: true)
      : try FileMemory.open(path: path, mode: .readWrite)
    var options = StoreOptions(filesystems: [ObjectFilesystem(), MapFilesystem()])
    options.whenClosed = { memory.close() }
    let store =
      isNew
      ? try Store.create(on: memory, format: FormatOptions(journalByteCount: 64 << 20), options: options)
      : try Store.open(on: memory, options: options)
    if isNew {
      try store.transaction { (transaction) throws(StorageError) in
        try transaction.createMap("kv")
        try transaction.createVolume(ObjectVolume.defaultName, kind: .objects)
        try transaction.createBucket("objects")
      }
    }
    return unsafe Unmanaged.passRetained(OpenStore(store)).toOpaque()
  } catch {
    say("open: \(error)")
    return nil
  }
}

/// Closes a store.
@c public func peer_close(_ pointer: UnsafeMutableRawPointer) {
  let open = unsafe Unmanaged<OpenStore>.fromOpaque(pointer).takeRetainedValue()
  _ = attempt("close") { () throws(StorageError) in try open.store.close() }
}

/// Begins a transaction.
@c public func peer_begin(_ pointer: UnsafeMutableRawPointer) -> Int32 {
  let open = unsafe handle(pointer)
  open.pending.removeAll(keepingCapacity: true)
  open.places.removeAll(keepingCapacity: true)
  return 0
}

/// Puts a record, as a part of the transaction.
@c public func peer_put(
  _ pointer: UnsafeMutableRawPointer, _ key: UnsafeRawPointer, _ keyByteCount: Int, _ value: UnsafeRawPointer,
  _ valueByteCount: Int
) -> Int32 {
  let open = unsafe handle(pointer)
  let key = unsafe bytes(key, keyByteCount)
  open.places[key] = open.pending.count
  open.pending.append((key, unsafe bytes(value, valueByteCount)))
  return 0
}

/// Commits; durable when it returns.
@c public func peer_commit(_ pointer: UnsafeMutableRawPointer) -> Int32 {
  let open = unsafe handle(pointer)
  let result = attempt("commit") { () throws(StorageError) in
    try open.store.transaction { (transaction) throws(StorageError) in
      let map = try transaction.map("kv")
      for (key, value) in open.pending { try map.put(key, value) }
    }
  }
  open.pending.removeAll(keepingCapacity: true)
  open.places.removeAll(keepingCapacity: true)
  return result
}

private func copy(_ value: RawSpan, _ buffer: UnsafeMutableRawPointer, _ capacity: Int) -> Int {
  unsafe value.withUnsafeBytes { source in
    if let start = source.baseAddress {
      unsafe buffer.copyMemory(from: start, byteCount: min(capacity, source.count))
    }
    return source.count
  }
}

private func get(
  _ map: ByteMap, _ key: UnsafeRawPointer, _ keyByteCount: Int, _ buffer: UnsafeMutableRawPointer, _ capacity: Int
) throws(StorageError) -> Int {
  let key = unsafe UnsafeRawBufferPointer(start: key, count: keyByteCount)
  return try unsafe map.withValue(for: key.bytes) { (value) throws(StorageError) in
    unsafe copy(value, buffer, capacity)
  } ?? -1
}

/// Gets a value; its length, or -1.
@c public func peer_get(
  _ pointer: UnsafeMutableRawPointer, _ key: UnsafeRawPointer, _ keyByteCount: Int, _ buffer: UnsafeMutableRawPointer,
  _ capacity: Int
) -> Int {
  let open = unsafe handle(pointer)
  if !open.pending.isEmpty, let place = unsafe open.places[bytes(key, keyByteCount)] {
    return BulkCopy.withRawSpan(of: open.pending[place].value) { unsafe copy($0, buffer, capacity) }
  }
  var count = -1
  _ = attempt("get") { () throws(StorageError) in
    if let map = open.map {
      count = try unsafe get(map, key, keyByteCount, buffer, capacity)
    } else {
      count = try open.store.read { (transaction) throws(StorageError) in
        try unsafe get(try transaction.map("kv"), key, keyByteCount, buffer, capacity)
      }
    }
  }
  return count
}

/// Begins a read of one state.
@c public func peer_rbegin(_ pointer: UnsafeMutableRawPointer) -> Int32 {
  let open = unsafe handle(pointer)
  return attempt("read") { () throws(StorageError) in
    let snapshot = try open.store.snapshot()
    open.map = try snapshot.transaction.map("kv")
    open.snapshot = snapshot
  }
}

/// Ends it.
@c public func peer_rend(_ pointer: UnsafeMutableRawPointer) -> Int32 {
  let open = unsafe handle(pointer)
  open.map = nil
  open.snapshot?.end()
  open.snapshot = nil
  return 0
}

/// What a scan calls for each record.
public typealias ScanBody =
  @convention(c) (
    UnsafeMutableRawPointer?, UnsafeRawPointer, Int, UnsafeRawPointer, Int
  ) -> Void

/// Walks records from a key on, or from the first.
@c public func peer_scan(
  _ pointer: UnsafeMutableRawPointer, _ from: UnsafeRawPointer?, _ keyByteCount: Int, _ limit: UInt64,
  _ body: ScanBody, _ context: UnsafeMutableRawPointer?
) {
  let open = unsafe handle(pointer)
  let from = unsafe from.map { unsafe bytes($0, keyByteCount) }
  var left = limit
  func scan(_ map: ByteMap) throws(StorageError) {
    try map.scan(from: from) { (key, value) throws(StorageError) -> Bool in
      unsafe key.withUnsafeBytes { key in
        unsafe value.withUnsafeBytes { value in
          if let keyStart = key.baseAddress, let valueStart = value.baseAddress {
            unsafe body(context, keyStart, key.count, valueStart, value.count)
          }
        }
      }
      left -= 1
      return left > 0
    }
  }
  _ = attempt("scan") { () throws(StorageError) in
    if let map = open.map {
      try scan(map)
    } else {
      try open.store.read { (transaction) throws(StorageError) in try scan(try transaction.map("kv")) }
    }
  }
}

/// Puts an object; durable when it returns.
@c public func peer_put_obj(
  _ pointer: UnsafeMutableRawPointer, _ number: UInt64, _ value: UnsafeRawPointer, _ byteCount: Int
) -> Int32 {
  let open = unsafe handle(pointer)
  return attempt("put") { () throws(StorageError) in
    try open.store.transaction { (transaction) throws(StorageError) in
      let buffer = unsafe UnsafeRawBufferPointer(start: value, count: byteCount)
      _ = try unsafe transaction.bucket("objects").put(ObjectKey("\(number)"), buffer.bytes)
    }
  }
}

/// Gets an object; its length, or -1.
@c public func peer_get_obj(
  _ pointer: UnsafeMutableRawPointer, _ number: UInt64, _ buffer: UnsafeMutableRawPointer, _ capacity: Int
) -> Int {
  let open = unsafe handle(pointer)
  var count = -1
  _ = attempt("get object") { () throws(StorageError) in
    count = try open.store.read { (transaction) throws(StorageError) -> Int in
      let reader = try transaction.bucket("objects").open(ObjectKey("\(number)"))
      let target = unsafe UnsafeMutableRawBufferPointer(start: buffer, count: capacity)
      var span = unsafe target.mutableBytes
      return try reader.read(at: 0, into: &span)
    }
  }
  return count
}
