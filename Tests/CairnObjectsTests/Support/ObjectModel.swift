import CairnBlocks
import CairnVolumes

@testable import CairnObjects

/// The object store as simple as it can be: dictionaries of bytes.
struct ObjectModel: Equatable {
  struct Object: Equatable {
    var bytes: [UInt8]
    var etag: String
    var modified: UInt64
    var contentType: String
    var metadata: ObjectMetadata
  }

  var buckets: [String: [[UInt8]: Object]] = [:]

  /// Keys of a bucket in byte order.
  func keys(_ bucket: String) -> [[UInt8]] {
    (buckets[bucket] ?? [:]).keys.sorted { $0.lexicographicallyPrecedes($1) }
  }
}

/// Something that is done to a volume of objects.
enum Step {
  case createBucket(String, ifMissing: Bool)
  case deleteBucket(String)
  case buckets
  case put(String, [UInt8], Contents, ObjectOptions, ObjectConditions)
  case copy(from: String, [UInt8], to: String, [UInt8], ObjectConditions, source: ObjectConditions)
  case delete(String, [UInt8], ObjectConditions)
  case get(String, [UInt8], ObjectRange?, ObjectConditions)
  case find(String, [UInt8])
  case list(String, ObjectQuery)

  /// What is put, and whether a writer brings it.
  struct Contents {
    var bytes: [UInt8]
    var isStreamed: Bool
  }
}

/// What came of a step.
enum Outcome: Equatable {
  case done
  case flag(Bool)
  case names([String])
  case bytes([UInt8])
  case object(size: Int, etag: String, modified: UInt64, contentType: String, ObjectMetadata)
  case missing
  case listing(objects: [[UInt8]], sizes: [Int], etags: [String], prefixes: [[UInt8]], isTruncated: Bool)
  case failed(StorageError)
}

extension ObjectModel {
  private enum Refusal: Error { case with(StorageError) }

  /// Does a step at a time.
  mutating func run(_ step: Step, now: UInt64) -> Outcome {
    var changed = self
    do {
      let outcome = try changed.perform(step, now)
      self = changed
      return outcome
    } catch Refusal.with(let error) {
      return .failed(error)
    } catch {
      return .failed(.closed)
    }
  }

  private func bucket(_ name: String) throws -> [[UInt8]: Object] {
    guard let bucket = buckets[name] else { throw Refusal.with(.notFound(Subject("bucket", name))) }
    return bucket
  }

  private func require(_ conditions: ObjectConditions, _ object: Object?, _ key: [UInt8], isRead: Bool) throws {
    let failed = Refusal.with(.preconditionFailed(Subject("key", key)))
    let missing = Refusal.with(.notFound(Subject("key", key)))
    let unmodified = Refusal.with(.preconditionFailed(Subject("unmodified key", key)))
    func has(_ match: ETagMatch) -> Bool {
      guard let object else { return false }
      if case .tags(let tags) = match { return tags.contains(object.etag) }
      return true
    }
    func isNewer(than time: UInt64) -> Bool { (object?.modified ?? 0) / 1_000_000_000 > time / 1_000_000_000 }
    if object == nil, isRead || conditions.ifMatch != nil || conditions.ifUnmodifiedSince != nil { throw missing }
    if let match = conditions.ifMatch {
      if !has(match) { throw failed }
    } else if let time = conditions.ifUnmodifiedSince, isNewer(than: time) {
      throw failed
    }
    if let match = conditions.ifNoneMatch {
      if has(match) { throw isRead ? unmodified : failed }
    } else if let time = conditions.ifModifiedSince, isRead, !isNewer(than: time) {
      throw unmodified
    }
  }

  private mutating func perform(_ step: Step, _ now: UInt64) throws -> Outcome {
    switch step {
    case .createBucket(let name, let ifMissing):
      if buckets[name] != nil {
        guard ifMissing else { throw Refusal.with(.alreadyExists(Subject("bucket", name))) }
        return .flag(false)
      }
      buckets[name] = [:]
      return .flag(true)
    case .deleteBucket(let name):
      guard try bucket(name).isEmpty else { throw Refusal.with(.notEmpty(Subject("bucket", name))) }
      buckets[name] = nil
      return .done
    case .buckets:
      return .names(buckets.keys.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) })
    case .put(let name, let key, let contents, let options, let conditions):
      return try put(
        name, key,
        Object(
          bytes: contents.bytes, etag: options.etag ?? derivedTag(contents.bytes), modified: now,
          contentType: options.contentType, metadata: options.metadata), conditions)
    case .copy(let from, let source, let to, let key, let conditions, let sourceConditions):
      let found = try bucket(from)[source]
      try require(sourceConditions, found, source, isRead: true)
      guard var object = found else { throw Refusal.with(.closed) }
      object.modified = now
      return try put(to, key, object, conditions)
    case .delete(let name, let key, let conditions):
      let object = try bucket(name)[key]
      try require(conditions, object, key, isRead: false)
      buckets[name]?[key] = nil
      return .flag(object != nil)
    case .get(let name, let key, let range, let conditions):
      let found = try bucket(name)[key]
      try require(conditions, found, key, isRead: true)
      let bytes = found?.bytes ?? []
      guard let range else { return .bytes(bytes) }
      do {
        let part = try range.resolved(in: UInt64(bytes.count))
        return .bytes(Array(bytes[Int(part.lowerBound)..<Int(part.upperBound)]))
      } catch {
        throw Refusal.with(error)
      }
    case .find(let name, let key):
      guard let object = try bucket(name)[key] else { return .missing }
      return Self.describe(object)
    case .list(let name, let query): return list(try bucket(name), query)
    }
  }

  private mutating func put(
    _ name: String, _ key: [UInt8], _ object: Object, _ conditions: ObjectConditions
  ) throws -> Outcome {
    try require(conditions, try bucket(name)[key], key, isRead: false)
    buckets[name]?[key] = object
    return Self.describe(object)
  }

  private static func describe(_ object: Object) -> Outcome {
    .object(
      size: object.bytes.count, etag: object.etag, modified: object.modified, contentType: object.contentType,
      object.metadata)
  }

  /// All keys one after the other; nothing is skipped.
  private func list(_ bucket: [[UInt8]: Object], _ query: ObjectQuery) -> Outcome {
    var items: [(isPrefix: Bool, bytes: [UInt8])] = []
    for key in bucket.keys.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
      guard key.starts(with: query.prefix), query.startAfter.lexicographicallyPrecedes(key) || query.startAfter.isEmpty
      else { continue }
      if !query.delimiter.isEmpty, key.count >= query.prefix.count + query.delimiter.count,
        let end = (query.prefix.count...key.count - query.delimiter.count).first(where: {
          key[$0...].starts(with: query.delimiter)
        })
      {
        let common = Array(key[..<(end + query.delimiter.count)])
        if items.last?.isPrefix != true || items.last?.bytes != common { items.append((true, common)) }
      } else {
        items.append((false, key))
      }
    }
    let listed = items.prefix(query.limit)
    let keys = listed.filter { !$0.isPrefix }.map { $0.bytes }
    return .listing(
      objects: keys, sizes: keys.map { bucket[$0]?.bytes.count ?? -1 }, etags: keys.map { bucket[$0]?.etag ?? "" },
      prefixes: listed.filter { $0.isPrefix }.map { $0.bytes }, isTruncated: items.count > query.limit)
  }
}

extension Step {
  /// Does the step for real. A refusal that the model has, too, is an outcome; anything else is thrown.
  func run(_ objects: ObjectVolume, _ writer: ObjectWriter?) throws(StorageError) -> Outcome {
    do throws(StorageError) {
      return try perform(objects, writer)
    } catch {
      switch error {
      case .notFound, .alreadyExists, .notEmpty, .preconditionFailed, .invalidRange: return .failed(error)
      default: throw error
      }
    }
  }

  private func perform(_ objects: ObjectVolume, _ writer: ObjectWriter?) throws(StorageError) -> Outcome {
    switch self {
    case .createBucket(let name, let ifMissing): return .flag(try objects.createBucket(name, ifMissing: ifMissing))
    case .deleteBucket(let name):
      try objects.deleteBucket(name)
      return .done
    case .buckets: return .names(try objects.buckets().map { $0.name })
    case .put(let name, let key, let contents, let options, let conditions):
      let bucket = try objects.bucket(name)
      if let writer { return Self.describe(try bucket.put(ObjectKey(key), writer, options, if: conditions)) }
      return Self.describe(try bucket.put(ObjectKey(key), contents.bytes, options, if: conditions))
    case .copy(let from, let source, let to, let key, let conditions, let sourceConditions):
      return Self.describe(
        try objects.bucket(to).copy(
          ObjectKey(source), from: try objects.bucket(from), to: ObjectKey(key), ifSource: sourceConditions,
          if: conditions))
    case .delete(let name, let key, let conditions):
      return .flag(try objects.bucket(name).delete(ObjectKey(key), if: conditions))
    case .get(let name, let key, let range, let conditions):
      return .bytes(try objects.bucket(name).get(ObjectKey(key), range: range, if: conditions))
    case .find(let name, let key):
      guard let info = try objects.bucket(name).find(ObjectKey(key)) else { return .missing }
      return Self.describe(info)
    case .list(let name, let query):
      let listing = try objects.bucket(name).list(query)
      return .listing(
        objects: listing.objects.map { $0.key.bytes }, sizes: listing.objects.map { Int($0.size) },
        etags: listing.objects.map { $0.etag }, prefixes: listing.commonPrefixes.map { $0.bytes },
        isTruncated: listing.isTruncated)
    }
  }

  private static func describe(_ info: ObjectInfo) -> Outcome {
    .object(
      size: Int(info.size), etag: info.etag, modified: info.modified, contentType: info.contentType, info.metadata)
  }
}
