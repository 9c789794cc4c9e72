public import CairnBlocks
import CairnBytes
import CairnVolumes

/// Which objects of a bucket to list.
public struct ObjectQuery: Hashable, Sendable {
  /// Only keys that begin with these bytes.
  public var prefix: [UInt8]
  /// Keys that have these bytes behind the prefix are not listed; what they have up to there is, once. Empty: no such.
  public var delimiter: [UInt8]
  /// Only keys behind this one.
  public var startAfter: [UInt8]
  /// Goes on where a listing ended; `startAfter` is not looked at then.
  public var continuation: [UInt8]?
  /// Objects and common prefixes to list at most.
  public var limit: Int

  /// A query of its parts.
  public init(
    prefix: [UInt8] = [], delimiter: [UInt8] = [], startAfter: [UInt8] = [], continuation: [UInt8]? = nil,
    limit: Int = 1000
  ) {
    self.prefix = prefix
    self.delimiter = delimiter
    self.startAfter = startAfter
    self.continuation = continuation
    self.limit = limit
  }

  /// A query of texts.
  public init(
    prefix: String, delimiter: String = "", startAfter: String = "", continuation: [UInt8]? = nil, limit: Int = 1000
  ) {
    self.init(
      prefix: Array(prefix.utf8), delimiter: Array(delimiter.utf8), startAfter: Array(startAfter.utf8),
      continuation: continuation, limit: limit)
  }
}

/// What a query found, in byte order.
public struct ObjectListing: Hashable, Sendable {
  /// The objects.
  public var objects: [ObjectSummary] = []
  /// What keys with the delimiter begin with, the delimiter included.
  public var commonPrefixes: [ObjectKey] = []
  /// Where the next listing goes on; nil: this one came to the end. Its bytes mean nothing to a caller.
  public var continuation: [UInt8]?

  /// Whether there is more.
  public var isTruncated: Bool { continuation != nil }
}

extension Bucket {
  /// Lists objects in byte order. Objects behind a common prefix are skipped, not read: the time goes with what is
  /// listed, not with what the bucket holds.
  public func list(_ query: ObjectQuery = ObjectQuery()) throws(StorageError) -> ObjectListing {
    let bucketPrefix = TreeKey.objects(of: try trees.bucket(name).id)
    let lower = bucketPrefix + query.prefix
    var listing = ObjectListing()
    // A longer prefix is no key's; and of what to start after, bytes beyond any key's decide nothing.
    guard query.limit > 0, query.prefix.count <= ObjectLimits.keyByteCountMax,
      let start = try Self.start(query, in: bucketPrefix)
    else { return listing }
    var cursor = try trees.objects.cursor(from: lower, to: TreeKey.successor(ofPrefix: lower))
    var isFound = try cursor.seek(to: start)
    var last = Mark.key([])
    while isFound {
      guard listing.objects.count + listing.commonPrefixes.count < query.limit else {
        listing.continuation = last.encoded
        return listing
      }
      let key = Array(cursor.key[bucketPrefix.count...])
      if let common = Self.commonPrefix(of: key, query) {
        listing.commonPrefixes.append(ObjectKey(common))
        last = .commonPrefix(common)
        guard let next = TreeKey.successor(ofPrefix: bucketPrefix + common) else { return listing }
        isFound = try cursor.seek(to: next)
      } else {
        let head = try trees.head(at: cursor)
        listing.objects.append(
          ObjectSummary(key: ObjectKey(key), size: head.size, etag: head.tag.text, modified: head.modified))
        last = .key(key)
        isFound = try cursor.next()
      }
    }
    return listing
  }

  /// Where in the tree a listing begins; nil: behind everything.
  private static func start(_ query: ObjectQuery, in bucketPrefix: [UInt8]) throws(StorageError) -> [UInt8]? {
    if let continuation = query.continuation {
      guard let mark = Mark(decoding: continuation) else {
        throw .invalidArgument("the continuation comes from no listing")
      }
      switch mark {
      case .key(let key): return bucketPrefix + key + [0]
      case .commonPrefix(let common): return TreeKey.successor(ofPrefix: bucketPrefix + common)
      }
    }
    let startAfter = query.startAfter.prefix(ObjectLimits.keyByteCountMax + 1)
    return startAfter.isEmpty ? bucketPrefix : bucketPrefix + startAfter + [0]
  }

  /// What a key is listed as when it has the delimiter behind the prefix.
  private static func commonPrefix(of key: [UInt8], _ query: ObjectQuery) -> [UInt8]? {
    let delimiter = query.delimiter
    guard let first = delimiter.first else { return nil }
    var index = query.prefix.count
    while index + delimiter.count <= key.count {
      if key[index] == first, key[index..<index + delimiter.count].elementsEqual(delimiter) {
        return Array(key[..<(index + delimiter.count)])
      }
      index += 1
    }
    return nil
  }

  /// What was listed last, as a continuation carries it: a byte, 0 for a key and 1 for a common prefix, and its bytes.
  private enum Mark {
    case key([UInt8])
    case commonPrefix([UInt8])

    var encoded: [UInt8] {
      switch self {
      case .key(let bytes): [0] + bytes
      case .commonPrefix(let bytes): [1] + bytes
      }
    }

    init?(decoding bytes: [UInt8]) {
      guard bytes.count > 1, bytes.count <= ObjectLimits.keyByteCountMax + 1 else { return nil }
      switch bytes[0] {
      case 0: self = .key(Array(bytes[1...]))
      case 1: self = .commonPrefix(Array(bytes[1...]))
      default: return nil
      }
    }
  }
}

extension ObjectTrees {
  /// The first fields of the object that a cursor stands on.
  func head(at cursor: VolumeCursor) throws(StorageError) -> ObjectHead {
    let bytes = try cursor.withValue { (value) throws(StorageError) in
      BulkCopy.array(value.extracting(0..<min(value.byteCount, ObjectHead.byteCountMax)))
    }
    return try Self.decode(in: objects) { () throws(ByteReader.Failure) in
      var reader = ByteReader(bytes)
      return try ObjectHead(decoding: &reader)
    }
  }
}
