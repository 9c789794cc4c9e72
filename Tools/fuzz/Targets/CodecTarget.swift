import CairnBlocks
import CairnBytes
import CairnDisks
import CairnMaps
import CairnObjects
import CairnVolumes

/// The decoders of all records, of keys and of integers: fed with changed encodings, they answer or refuse, and what they
/// accept comes back the same when it is written and read again.
struct CodecTarget: Sendable {
  /// One decoder.
  struct Codec: Sendable {
    let name: String
    /// Encodings to begin with.
    let samples: [[UInt8]]
    /// Decodes and encodes again; nil when the bytes are refused.
    let rewrite: @Sendable ([UInt8]) -> [UInt8]?
  }

  let codecs: [Codec]

  /// The decoders of device, volumes, objects, disks and maps.
  static let general = CodecTarget(codecs: device + volumes + filesystems + [keys])

  func run(_ bytes: [UInt8]) throws(FuzzFailure) {
    var input = InputReader(bytes)
    let codec = codecs[input.below(codecs.count)]
    var encoded = codec.samples[input.below(codec.samples.count)]
    change(&encoded, &input)
    guard let first = codec.rewrite(encoded) else { return }
    guard let second = codec.rewrite(first) else {
      throw FuzzFailure("\(codec.name): what was decoded and written is refused")
    }
    guard first == second else { throw FuzzFailure("\(codec.name): what was written reads as something else") }
  }

  private func change(_ bytes: inout [UInt8], _ input: inout InputReader) {
    repeat {
      let offset = input.below(bytes.count + 1)
      switch input.below(6) {
      case 0 where offset < bytes.count: bytes[offset] ^= 1 << UInt8(input.below(8))
      case 1 where offset < bytes.count: bytes[offset] = input.byte()
      case 2: bytes.removeLast(bytes.count - offset)
      case 3: bytes.insert(contentsOf: input.rest(limit: 1 + input.below(24)), at: offset)
      case 4:
        let value = input.suspicious(around: UInt64(bytes.count))
        for index in 0..<min(8, bytes.count - offset) {
          bytes[offset + index] = UInt8(truncatingIfNeeded: value >> UInt64(8 * index))
        }
      default:
        var writer = ByteWriter()
        writer.varint(input.suspicious(around: UInt64(bytes.count)))
        bytes.replaceSubrange(offset..<min(bytes.count, offset + 1), with: writer.bytes)
      }
    } while !input.isAtEnd
  }

  // MARK: The decoders

  private static let device: [Codec] = [
    Codec(name: "superblock", samples: superblockSamples) { bytes in
      var sealed = bytes
      // Right again, or nothing behind the checksum would be reached.
      if sealed.count >= Superblock.byteCount {
        var span = sealed.mutableSpan
        LittleEndian.store(CRC32.checksum(span.span.extracting(12..<512)), in: &span, at: 8)
      }
      guard let superblock = try? Superblock(decoding: sealed.span, at: 0) else { return nil }
      return encoded(superblock)
    },
    Codec(name: "commit record", samples: [commitSample]) { bytes in
      guard let record = try? CommitRecord(decoding: bytes) else { return nil }
      var writer = ByteWriter()
      record.encode(into: &writer)
      return writer.bytes
    },
    Codec(name: "changes of a block", samples: [[5, 0, 1, 2, 3, 9, 9, 9], [5, 1, 16, 1, 0, 1, 0, 1, 7]]) { bytes in
      var reader = ByteReader(bytes)
      var writer = ByteWriter()
      guard let head = try? BlockChangeHead(decoding: &reader) else { return nil }
      head.encode(into: &writer)
      var end = BlockHeader.byteCount
      do throws(ByteReader.Failure) {
        try decodeRanges(head, blockByteCount: 512, from: &reader) { offset, bytes in
          writer.varint(UInt64(offset - end))
          writer.lengthPrefixed(bytes)
          end = offset + bytes.count
        }
      } catch { return nil }
      return writer.bytes
    },
  ]

  private static let commitSample: [UInt8] = {
    var writer = ByteWriter()
    CommitRecord(
      annotation: CommitAnnotation(event: .stage, transaction: 7, principal: [1, 2], time: 9), changeCount: 3,
      changeRecordCount: 1, changesDigest: 11, external: []
    ).encode(into: &writer)
    // One run of data outside the journal instead of none.
    var sample = Array(writer.bytes.dropLast())
    writer = ByteWriter()
    for number in [1, 70, 70_000] as [UInt64] { writer.varint(number) }
    writer.uint64(1)
    writer.uint64(2)
    sample += writer.bytes
    return sample
  }()

  /// The superblocks of the samples.
  private static let superblockSamples = ((try? Samples.stores.get()) ?? []).map { sample in
    Array(sample.bytes[..<Superblock.byteCount])
  }

  private static func encoded(_ superblock: Superblock) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: Superblock.byteCount)
    var span = bytes.mutableSpan
    superblock.encode(into: &span)
    return bytes
  }

  private static let volumes: [Codec] = [
    Codec(name: "store record", samples: [StoreRecord().encoded]) { (try? StoreRecord(decoding: $0))?.encoded },
    Codec(name: "volume record", samples: [volumeSample]) { (try? VolumeRecord(decoding: $0))?.encoded },
    Codec(name: "usage record", samples: [VolumeUsage().encoded]) { (try? VolumeUsage(decoding: $0))?.encoded },
    Codec(name: "grant record", samples: [GrantRecord(rights: .write).encoded]) {
      (try? GrantRecord(decoding: $0))?.encoded
    },
    Codec(
      name: "transaction record",
      samples: [
        TransactionRecord(beganAt: 1, lease: .minutes(1), owner: try? Principal("alice")).encoded
      ]
    ) { (try? TransactionRecord(decoding: $0))?.encoded },
    Codec(
      name: "outcome record",
      samples: [
        OutcomeRecord(outcome: .committed, endedAt: 2, owner: nil).encoded,
        OutcomeRecord(outcome: .conflict(volume: "objects", key: [1, 2]), endedAt: 3, owner: nil).encoded,
      ]
    ) { (try? OutcomeRecord(decoding: $0))?.encoded },
    Codec(name: "catalog operation", samples: catalogSamples) { (try? CatalogOperation(decoding: $0))?.encoded },
    Codec(
      name: "staged operation",
      samples: [
        StagedOperation(
          operation: [1, 2, 3], extents: [Extent(start: BlockNumber(70), count: 3)], releasesSpace: true
        ).encoded
      ]
    ) { (try? StagedOperation(decoding: $0))?.encoded },
    Codec(
      name: "recorded read",
      samples: [
        RecordedRead(volume: 1, tree: BlockNumber(60), low: [1], high: [2, 3], countsOnly: false, digest: 4).encoded
      ]
    ) { (try? RecordedRead(decoding: $0))?.encoded },
    Codec(
      name: "held range",
      samples: [
        HeldRange(volume: 1, tree: BlockNumber(60), low: [1], high: nil, isWrite: true).encoded
      ]
    ) { (try? HeldRange(decoding: $0))?.encoded },
    Codec(name: "long work", samples: workSamples) { (try? WorkRecord(decoding: $0))?.encoded },
    Codec(name: "volume use", samples: [VolumeUse(incarnation: 1, definition: 2).encoded]) {
      (try? VolumeUse(decoding: $0))?.encoded
    },
  ]

  private static let workSamples: [[UInt8]] = {
    guard let id = VolumeID(rawValue: 3) else { return [[]] }
    var record = WorkRecord(volume: id, incarnation: 1, beganAt: 2, principal: nil, work: [1, 2, 3])
    record.cursor = [4]
    return [record.encoded]
  }()

  private static let catalogSamples: [[UInt8]] = {
    guard let id = VolumeID(rawValue: 3), let alice = try? Principal("alice") else { return [[]] }
    let operations: [CatalogOperation] = [
      .rename(id, name: "name"), .setQuota(id, 5), .remove(id, definition: 1), .grant(alice, .volume(id), .write),
      .revoke(alice, .store), .cancelWork(5),
      .beginWork(WorkRecord(volume: id, incarnation: 1, beganAt: 2, principal: alice, work: [1, 2, 3])),
    ]
    return operations.map { $0.encoded }
  }()

  private static let volumeSample = VolumeRecord(
    kind: .objects, formatVersion: 1, root: BlockNumber(60), incarnation: 1, name: "objects",
    owner: try? Principal("bob")
  ).encoded

  private static let extent = DataExtent(
    extent: Extent(start: BlockNumber(70), count: 3), byteCount: 1300, digests: [5])

  private static let filesystems: [Codec] = [
    Codec(name: "bucket record", samples: [BucketRecord(id: 1, created: 2).encoded]) {
      (try? BucketRecord(decoding: $0))?.encoded
    },
    Codec(name: "object record", samples: [object(.inline([1, 2, 3])), object(.run(DataRun([extent])))]) {
      (try? ObjectRecord(decoding: $0, blockByteCount: 512))?.encoded
    },
    Codec(name: "run of data", samples: [DataRun([extent]).encoded, DataRun([extent, extent]).encoded]) {
      (try? DataRun(decoding: $0, blockByteCount: 512))?.encoded
    },
    Codec(name: "header of objects", samples: [VolumeHeader(objects: 60, data: 61).encoded]) {
      (try? VolumeHeader(decoding: $0))?.encoded
    },
    Codec(
      name: "operation on objects",
      samples: [
        ObjectOperation.createBucket("bucket", created: 1).encoded,
        ObjectOperation.delete(bucket: "bucket", key: [1, 2], conditionSample).encoded, putSample,
        ObjectOperation.addContents(id: 60, offset: 1 << 20, [DataRun([extent])]).encoded,
        ObjectOperation.giveBackContents(id: 60).encoded,
      ]
    ) { (try? ObjectOperation(decoding: $0, blockByteCount: 512))?.encoded },
    Codec(
      name: "work on objects",
      samples: [
        ObjectWork.deleteAll(bucket: "bucket", prefix: [1]).encoded, ObjectWork.deleteBucket("bucket").encoded,
        ObjectWork.copyAll(bucket: "bucket", prefix: [1], from: sourceSample).encoded,
        ObjectWork.copy(bucket: "bucket", key: [1], from: sourceSample, sourceKey: [3]).encoded,
      ]
    ) { bytes in
      var reader = ByteReader(bytes)
      guard let work = try? ObjectWork(decoding: &reader), reader.remaining == 0 else { return nil }
      return work.encoded
    },
    Codec(name: "cursor of a copy", samples: [cursorSample]) { bytes in
      var reader = ByteReader(bytes)
      guard let cursor = try? CopyCursor(decoding: &reader), reader.remaining == 0 else { return nil }
      return cursor.encoded
    },
    Codec(name: "unfinished contents", samples: [UnfinishedContents(byteCount: 2 << 20).encoded]) {
      (try? UnfinishedContents(decoding: $0))?.encoded
    },
    Codec(name: "geometry of a disk", samples: [[1, 0, 0, 0, 0, 2, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0]]) {
      (try? DiskGeometry(decoding: $0))?.encoded
    },
    Codec(name: "entry of a disk", samples: [DiskEntry([extent]).encoded]) {
      (try? DiskEntry(decoding: $0, deviceBlockByteCount: 512))?.encoded
    },
    Codec(
      name: "header of a map",
      samples: [MapHeader(entries: BlockNumber(60), definition: Array("Int8 -> Bool".utf8)).encoded]
    ) { bytes in
      var reader = ByteReader(bytes)
      guard let header = try? MapHeader(decoding: &reader), reader.remaining == 0 else { return nil }
      return header.encoded
    },
    Codec(
      name: "operation on a map",
      samples: [
        MapOperation.put(key: [1, 2], value: [3]).encoded, MapOperation.delete(key: [4]).encoded,
        MapOperation.deleteRange(from: [5], to: [6, 7], limit: 8).encoded,
      ]
    ) { bytes in
      var reader = ByteReader(bytes)
      guard let operation = try? MapOperation(decoding: &reader), reader.remaining == 0 else { return nil }
      return operation.encoded
    },
    Codec(
      name: "operation on a disk",
      samples: [
        DiskOperation.write(first: 1, [DiskEntry([extent])]).encoded, DiskOperation.trim(1..<3).encoded,
        DiskOperation.resize(blockCount: 9).encoded,
      ]
    ) { (try? DiskOperation(decoding: $0, deviceBlockByteCount: 512))?.encoded },
  ]

  private static let conditionSample: ObjectConditions = {
    var conditions = ObjectConditions.none
    conditions.ifMatch = .tags(["abc", "def"])
    conditions.ifNoneMatch = .any
    conditions.ifModifiedSince = 4
    return conditions
  }()

  private static let sourceSample = ObjectWork.Source(volume: 2, incarnation: 3, bucket: "source")

  private static let cursorSample: [UInt8] = {
    var cursor = CopyCursor()
    cursor.last = [1, 2]
    cursor.part = CopyCursor.Part(
      key: [3], id: 60, byteCount: 1 << 20, size: 3 << 20, modified: 4, etag: Array("tag".utf8))
    return cursor.encoded
  }()

  private static let putSample = ObjectOperation.put(
    ObjectPut(
      bucket: "bucket", key: [1, 2, 3], conditions: conditionSample,
      record: ObjectRecord(
        size: 1300, modified: 2, tag: .given(Array("tag".utf8)), contentType: Array("a/b".utf8),
        metadata: ObjectMetadata(), checksums: [ObjectRecord.Checksum(algorithm: [65], value: [66])],
        contents: .indexed(id: 70)),
      runs: [DataRun([extent])])
  ).encoded

  private static func object(_ contents: ObjectRecord.Contents) -> [UInt8] {
    var size: UInt64 = 1300
    if case .inline(let bytes) = contents { size = UInt64(bytes.count) }
    return ObjectRecord(
      size: size, modified: 2, tag: .derived(3), contentType: Array("a/b".utf8), metadata: ObjectMetadata(),
      checksums: [], contents: contents
    ).encoded
  }

  /// A tuple of each kind of key: an integer, a signed one, a string, bytes, a truth value, an optional.
  private static let keys = Codec(
    name: "keys",
    samples: [
      [0, 0, 0, 7, 0x80, 1, 65, 66, 0, 0, 1, 0, 0xFF, 2, 0, 0, 1, 1, 0x80, 0, 0, 0, 0, 0, 0, 1]
    ]
  ) { bytes in
    var reader = KeyReader(bytes)
    do throws(ByteReader.Failure) {
      var key: [UInt8] = []
      KeyEncoding.append(try reader.integer(as: UInt32.self), to: &key)
      KeyEncoding.append(try reader.integer(as: Int16.self), to: &key)
      KeyEncoding.append(try reader.string(), to: &key)
      KeyEncoding.append(try reader.byteString(), to: &key)
      KeyEncoding.append(try reader.bool(), to: &key)
      let number = try reader.optional { (reader) throws(ByteReader.Failure) in try reader.double() }
      KeyEncoding.append(number, to: &key) { KeyEncoding.append($0, to: &$1) }
      try reader.finish()
      // The encoding of a key is the only one: what is read is what was there.
      return key == bytes ? key : key + [0]
    } catch { return nil }
  }
}
