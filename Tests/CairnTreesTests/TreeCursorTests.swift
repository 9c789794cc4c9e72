import CairnBlocks
import CairnBytes
import CairnTestSupport
import CairnTrees
import Testing

@Suite("Cursors of trees")
struct TreeCursorTests {
  /// A tree of even numbers.
  static func tree(_ count: Int, blockByteCount: Int = 512) throws -> (TestDevice, Tree, TreeModel) {
    let device = try TestDevice(blockByteCount: blockByteCount)
    var model = TreeModel()
    for number in 0..<count { _ = model.put(KeyStyle.bigEndian(UInt64(2 * number)), [UInt8(number & 255)]) }
    let tree = try device.write { (transaction) throws(StorageError) in
      let tree = try Tree.create(owner: 0, in: transaction)
      for record in model.records { try tree.put(record.key, record.value, in: transaction) }
      return tree
    }
    return (device, tree, model)
  }

  @Test("an empty tree has no places")
  func empty() throws {
    let (device, tree, _) = try Self.tree(0)
    try device.read { (view) throws(StorageError) in
      var cursor = tree.cursor(in: view)
      #expect(!cursor.isValid && cursor.key.isEmpty)
      #expect(try !cursor.next())
      #expect(try !cursor.previous())
      #expect(try !cursor.seekFirst())
      #expect(try !cursor.seekLast())
      #expect(try !cursor.seek(to: []))
      #expect(try !cursor.seek(before: [1]))
      #expect(throws: StorageError.self) { try cursor.value() }
      #expect(try tree.get([], in: view) == nil)
    }
  }

  @Test("the first key of a group, wherever its leaf ends", arguments: [512, 4096])
  func firstTail(_ blockByteCount: Int) throws {
    let device = try TestDevice(blockByteCount: blockByteCount)
    // Groups of one to three keys each, the prefixes of different lengths, and gaps between them.
    func prefix(_ number: Int) -> [UInt8] {
      KeyStyle.bigEndian(UInt64(number)) + [UInt8](repeating: 7, count: number % 11) + [0, 0]
    }
    let tree = try device.write { (transaction) throws(StorageError) in
      let tree = try Tree.create(owner: 0, in: transaction)
      for number in 0..<600 where number % 3 != 0 {
        for member in 0...(number % 3) { try tree.put(prefix(number) + [UInt8(member + 1), 9], [1], in: transaction) }
      }
      return tree
    }
    try device.read { (view) throws(StorageError) in
      for number in 0..<601 {
        let wanted = prefix(number)
        let found = try BulkCopy.withRawSpan(of: wanted) { (wanted) throws(StorageError) in
          try tree.withFirstTail(of: wanted, in: view) { BulkCopy.array($0) }
        }
        #expect(found == (number < 600 && number % 3 != 0 ? [1, 9] : nil), "group \(number)")
      }
      // Shorter than what the nodes do not repeat, and shorter than a head.
      for count in 1...7 {
        let wanted = [UInt8](repeating: 0, count: count)
        let first = prefix(1) + [1, 9]
        let found = try BulkCopy.withRawSpan(of: wanted) { (wanted) throws(StorageError) in
          try tree.withFirstTail(of: wanted, in: view) { BulkCopy.array($0) }
        }
        #expect(found == Array(first[count...]))
      }
    }
  }

  @Test("the values of many keys together", arguments: [512, 4096])
  func valuesTogether(_ blockByteCount: Int) throws {
    let device = try TestDevice(blockByteCount: blockByteCount)
    let tree = try device.write { (transaction) throws(StorageError) in
      let tree = try Tree.create(owner: 0, in: transaction)
      for number in 0..<400 {
        // Some so long that they do not stand in the leaf.
        let value = [UInt8](repeating: UInt8(number & 255), count: number % 50 == 7 ? 3 * blockByteCount : number % 20)
        try tree.put(KeyStyle.bigEndian(UInt64(2 * number)), value, in: transaction)
      }
      return tree
    }
    try device.read { (view) throws(StorageError) in
      var keys: [UInt8] = []
      var ranges: [Range<Int>] = []
      var numbers: [Int] = []
      for step in 0..<90 {
        let number = step * 37 % 801
        let key = KeyStyle.bigEndian(UInt64(number))
        ranges.append(keys.count..<keys.count + key.count)
        keys += key
        numbers.append(number)
      }
      var seen = 0
      try BulkCopy.withRawSpan(of: keys) { (keys) throws(StorageError) in
        try tree.withValues(of: keys, at: ranges, in: view) { (position, value, isThere) throws(StorageError) in
          #expect(position == seen)
          seen += 1
          let found = try tree.get(KeyStyle.bigEndian(UInt64(numbers[position])), in: view)
          let bytes = BulkCopy.array(value)
          #expect(isThere == (found != nil))
          #expect(bytes == found ?? [])
        }
      }
      #expect(seen == ranges.count)
    }
  }

  @Test("every place can be sought from both sides")
  func seek() throws {
    let (device, tree, model) = try Self.tree(300)
    try device.read { (view) throws(StorageError) in
      var cursor = tree.cursor(in: view)
      for number in 0..<603 {
        let key = KeyStyle.bigEndian(UInt64(number))
        let rank = model.rank(key)
        #expect(try cursor.seek(to: key) == (rank < 300))
        if rank < 300 { #expect(cursor.key == model.records[rank].key) }
        #expect(try cursor.seek(before: key) == (rank > 0))
        if rank > 0 {
          #expect(cursor.key == model.records[rank - 1].key)
          #expect(try cursor.value() == model.records[rank - 1].value)
        }
      }
      #expect(try cursor.seek(to: []) && cursor.key == model.records[0].key)
      #expect(try !cursor.seek(before: []))
      let long = [UInt8](repeating: 255, count: 3000)
      #expect(try !cursor.seek(to: long))
      #expect(try cursor.seek(before: long) && cursor.key == model.records[299].key)
    }
  }

  @Test("the ends turn back")
  func ends() throws {
    let (device, tree, model) = try Self.tree(50)
    try device.read { (view) throws(StorageError) in
      var cursor = tree.cursor(in: view)
      #expect(try cursor.seekLast() && cursor.key == model.records[49].key)
      #expect(try !cursor.next())
      #expect(try !cursor.next())
      #expect(try cursor.previous() && cursor.key == model.records[49].key)
      #expect(try cursor.seekFirst())
      #expect(try !cursor.previous())
      #expect(try cursor.next() && cursor.key == model.records[0].key)
    }
  }

  @Test("a copy of a cursor goes its own way")
  func copies() throws {
    let (device, tree, model) = try Self.tree(50)
    try device.read { (view) throws(StorageError) in
      var cursor = tree.cursor(in: view)
      try cursor.seekFirst()
      var copy = cursor
      for _ in 0..<20 { try copy.next() }
      #expect(cursor.key == model.records[0].key)
      #expect(copy.key == model.records[20].key)
      try cursor.next()
      #expect(cursor.key == model.records[1].key)
      let lent = try copy.withKey { (key) throws(StorageError) in [UInt8](copying: key) }
      #expect(lent == model.records[20].key)
    }
  }

  @Test("a snapshot's cursor does not see later commits")
  func snapshot() throws {
    let (device, tree, model) = try Self.tree(200)
    let snapshot = try device.device.snapshot()
    defer { snapshot.end() }
    var cursor = tree.cursor(in: snapshot.view)
    var keys: [[UInt8]] = []
    while try cursor.next() {
      keys.append(cursor.key)
      if keys.count % 50 == 0 {
        try device.write { (transaction) throws(StorageError) in
          try tree.deleteRange(from: cursor.key, in: transaction)
          try tree.put(cursor.key + [0], [], in: transaction)
        }
      }
    }
    #expect(keys == model.records.map { $0.key })
  }

  @Test("places are kept by key while the transaction changes the tree", arguments: TestSeeds.list(count: 6))
  func changing(_ seed: UInt64) throws {
    var (device, tree, model) = try Self.tree(150)
    var generator = SeededGenerator(seed: seed)
    let comment = replay(seed, "TreeCursorTests")
    try device.write { (transaction) throws(StorageError) in
      var cursor = tree.cursor(in: transaction.view)
      try cursor.seek(to: KeyStyle.bigEndian(150))
      var key: [UInt8]? = cursor.key
      for _ in 0..<1500 {
        let other = KeyStyle.bigEndian(UInt64(generator.below(310)))
        switch generator.below(10) {
        case 0..<3: #expect(try tree.put(other, other, in: transaction) == model.put(other, other), comment)
        case 3..<6:
          // Often the very record that the cursor stands on.
          let gone = generator.chance(30) ? key ?? other : other
          #expect(try tree.delete(gone, in: transaction) == model.delete(gone), comment)
        case 6 where generator.chance(10):
          let end = KeyStyle.bigEndian(UInt64(generator.below(310)))
          #expect(
            try tree.deleteRange(from: other, to: end, in: transaction)
              == model.deleteRange(from: other, to: end, limit: nil), comment)
        case 6..<8:
          let place = key.map { model.rank($0) + (model.get($0) == nil ? 0 : 1) } ?? 0
          let expected = place < model.records.count ? model.records[place].key : nil
          #expect(try cursor.next() == (expected != nil), comment)
          #expect(expected == nil || cursor.key == expected, comment)
          key = expected
          if key == nil { try cursor.seek(to: other); key = cursor.isValid ? cursor.key : nil }
        case 8:
          let place = key.map { model.rank($0) - 1 } ?? model.records.count - 1
          let expected = place >= 0 ? model.records[place].key : nil
          #expect(try cursor.previous() == (expected != nil), comment)
          #expect(expected == nil || cursor.key == expected, comment)
          key = expected
          if key == nil { try cursor.seek(before: other); key = cursor.isValid ? cursor.key : nil }
        default:
          guard let key else { break }
          if let value = model.get(key) {
            #expect(try cursor.value() == value, comment)
          } else {
            #expect(throws: StorageError.notFound(Subject("key", key)), comment) { try cursor.value() }
          }
        }
        if key == nil { try cursor.seek(to: other); key = cursor.isValid ? cursor.key : nil }
        if key == nil { try cursor.seek(before: other); key = cursor.isValid ? cursor.key : nil }
        if key == nil {
          _ = model.put(other, [])
          try tree.put(other, [], in: transaction)
          try cursor.seekFirst()
          key = cursor.key
        }
      }
    }
    try verify(tree, against: model, on: device, comment)
  }

  @Test("a scan goes on behind the record whose body changed the tree")
  func changingScan() throws {
    let device = try TestDevice(blockByteCount: 512)
    let keys = (0..<400).map { [1] + KeyStyle.bigEndian(UInt64($0)) }
    var seen: [[UInt8]] = []
    let tree = try device.write { (transaction) throws(StorageError) in
      let tree = try Tree.create(owner: 0, in: transaction)
      for key in keys { try tree.put(key, [1], in: transaction) }
      try tree.scan(in: transaction.view) { (lent, _) throws(StorageError) in
        let key = [UInt8](copying: lent)
        seen.append(key)
        // Each record goes, and something comes before it.
        try tree.delete(key, in: transaction)
        try tree.put([0] + key, key, in: transaction)
        return true
      }
      return tree
    }
    #expect(seen == keys)
    let left = try device.read { (view) throws(StorageError) in try tree.records(in: view) }
    #expect(left.map { $0.key } == keys.map { [0] + $0 })
  }

  @Test("scans of ranges", arguments: [512, 4096])
  func ranges(_ blockByteCount: Int) throws {
    let (device, tree, model) = try Self.tree(500, blockByteCount: blockByteCount)
    var generator = SeededGenerator(seed: 3)
    try device.read { (view) throws(StorageError) in
      for _ in 0..<300 {
        let bounds = (generator.below(1010), generator.below(1010))
        let from = generator.chance(20) ? nil : KeyStyle.bigEndian(UInt64(bounds.0))
        let to = generator.chance(20) ? nil : KeyStyle.bigEndian(UInt64(bounds.1)) + (generator.chance(30) ? [0] : [])
        let start = from.map { model.rank($0) } ?? 0
        let end = to.map { model.rank($0) } ?? 500
        #expect(try tree.records(from: from, to: to, in: view) == Array(model.records[start..<max(start, end)]))
      }
      var count = 0
      try tree.scan(in: view) { (_, _) throws(StorageError) in
        count += 1
        return count < 77
      }
      #expect(count == 77)
    }
  }
}
