#if arch(wasm32)
  import CairnBlocks
  import CairnBytes
  import CairnMaps
  import CairnMemory
  import CairnVolumes

  /// An enum by hand.
  private enum Shape: Storable, Equatable {
    case circle(Double)
    case text(String)

    static var storedType: StoredType { StoredType("Shape", .unbounded) }

    func encode(into bytes: inout [UInt8]) {
      switch self {
      case .circle(let radius):
        UInt8(0).encode(into: &bytes)
        radius.encode(into: &bytes)
      case .text(let text):
        UInt8(1).encode(into: &bytes)
        text.encode(into: &bytes)
      }
    }

    init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(ByteReader.Failure) {
      switch try UInt8(decoding: bytes, at: &offset) {
      case 0: self = .circle(try Double(decoding: bytes, at: &offset))
      case 1: self = .text(try String(decoding: bytes, at: &offset))
      default: throw .malformed
      }
    }
  }

  /// L5: typed maps with keys and values of every kind.
  func smokeMaps() -> Bool {
    let memory: any StableMemory = HeapMemory(pageCount: 256)
    do throws(StorageError) {
      let environment = Environment(now: { 1_000_000_000 }, random: { 0x1234_5678_9ABC_DEF0 })
      let options = StoreOptions(filesystems: [MapFilesystem()], environment: environment)
      let store = try Store.create(on: memory, format: FormatOptions(), options: options)
      _ = try store.createMap("small", UInt8.self, Bool.self, id: VolumeID(rawValue: 9))
      guard try useScalars(store) else { return false }
      return try useComposites(store)
    } catch {
      return false
    }
  }

  private func useScalars(_ store: Store) throws(StorageError) -> Bool {
    try store.transaction { (transaction) throws(StorageError) -> Bool in
      let map = try transaction.map("small", UInt8.self, Bool.self)
      guard try map.insert(3, true) == nil, try map.insert(3, false) == true else { return false }
      for number in 4..<UInt8(100) { try map.put(number, number % 2 == 0) }
      guard try map.get(4) == true, try map.contains(5), try map.remove(4) == true, try map.count() == 96 else {
        return false
      }
      try map.update(50) { $0 = nil }
      var range = try map.range(from: 98)
      guard try range.next()?.value == true, try range.next()?.key == 99, try range.next() == nil else { return false }
      var cursor = try map.cursor(from: 10, to: 20)
      guard try cursor.seek(to: 12), try cursor.previous(), try cursor.key() == 11, try cursor.next(),
        try cursor.seek(before: 15), try cursor.value(), try cursor.entry().key == 14
      else { return false }
      let keys = try map.keys(from: 60, limit: 3)
      let values = try map.values(to: 5)
      let items = try map.items(from: 98)
      guard keys == [60, 61, 62], values == [false], items.count == 2 else { return false }
      guard try map.first()?.key == 3, try map.last()?.key == 99, try map.popFirst()?.key == 3,
        try map.popLast()?.key == 99, try map.removeRange(from: 10, to: 20) == 10
      else { return false }
      try map.clear()
      return try map.isEmpty()
    }
  }

  private func useComposites(_ store: Store) throws(StorageError) -> Bool {
    typealias Key = Triple<Int, Double, Pair<String, [UInt8]?>>
    guard let id = VolumeID(rawValue: 20) else { return false }
    return try store.transaction { (transaction) throws(StorageError) -> Bool in
      let map = try transaction.map(id, named: "large", Key.self, Pair<Shape, Int64?>.self)
      try map.put(Key(1, -2, Pair("a", nil)), Pair(.circle(2), nil))
      try map.put(Key(1, -2, Pair("a", [0])), Pair(.text("b"), 7))
      let again = try transaction.map(id, Key.self, Pair<Shape, Int64?>.self)
      let numbers = try transaction.createMap("numbers", UInt.self, Triple<Int8, Int16, Int32>.self)
      try numbers.put(1, Triple(-1, -2, -3))
      let wide = try transaction.createMap("wide", Pair<UInt16, UInt32>.self, String?.self)
      try wide.put(Pair(1, 2), "x")
      var alone: [UInt8] = []
      Pair(UInt8(1), "x").encodeAlone(into: &alone)
      Triple(UInt8(1), UInt8(2), "y").encodeAlone(into: &alone)
      guard alone == [1, 0x78, 1, 2, 0x79] else { return false }
      guard try again.first()?.value == Pair(.circle(2), nil), try again.last()?.value.second == 7 else { return false }
      guard try numbers.get(1)?.third == -3 else { return false }
      return try wide.values() == ["x"]
    }
  }
#endif
