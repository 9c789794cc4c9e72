import CairnBlocks

/// What must hold of an object for a request to be done: HTTP's conditional headers, with the precedence of S3 (RFC 9110,
/// section 13.2.2).
public struct ObjectConditions: Hashable, Sendable {
  /// The object is there and has one of these tags. When it holds, `ifUnmodifiedSince` is not looked at.
  public var ifMatch: ETagMatch?
  /// The object is missing or has none of these tags. When it is given, `ifModifiedSince` is not looked at.
  public var ifNoneMatch: ETagMatch?
  /// It changed after this time, in nanoseconds since 1970. Counts in reads alone. Compared in whole seconds, the
  /// precision of HTTP's dates: what was sent out as the time of the last change and comes back is not "before" it.
  public var ifModifiedSince: UInt64?
  /// It did not change after this time, in nanoseconds since 1970; compared in whole seconds.
  public var ifUnmodifiedSince: UInt64?

  /// Conditions of their parts.
  public init(
    ifMatch: ETagMatch? = nil, ifNoneMatch: ETagMatch? = nil, ifModifiedSince: UInt64? = nil,
    ifUnmodifiedSince: UInt64? = nil
  ) {
    self.ifMatch = ifMatch
    self.ifNoneMatch = ifNoneMatch
    self.ifModifiedSince = ifModifiedSince
    self.ifUnmodifiedSince = ifUnmodifiedSince
  }

  /// No condition.
  public static let none = ObjectConditions()
  /// There is no such object yet (`If-None-Match: *`).
  public static let absent = ObjectConditions(ifNoneMatch: .any)
  /// The object has this tag.
  public static func matching(_ etag: String) -> ObjectConditions { ObjectConditions(ifMatch: .tags([etag])) }

  /// Whether there is any.
  public var isEmpty: Bool { self == .none }

  /// What conditions say of a read.
  public enum Outcome: Hashable, Sendable {
    /// They hold.
    case holds
    /// The client has the object already (HTTP 304).
    case notModified
    /// They do not hold (HTTP 412).
    case failed
  }

  /// What they say of an object that is to be read; nil: there is none.
  public func outcome(for object: ObjectInfo?) -> Outcome {
    outcome(etag: object?.etag, modified: object?.modified ?? 0)
  }

  /// What they say of a read of an object; no tag: there is none.
  func outcome(etag: String?, modified: UInt64) -> Outcome {
    if let ifMatch {
      guard ifMatch.matches(etag) else { return .failed }
    } else if let ifUnmodifiedSince {
      guard etag != nil, Self.seconds(modified) <= Self.seconds(ifUnmodifiedSince) else { return .failed }
    }
    if let ifNoneMatch {
      if ifNoneMatch.matches(etag) { return .notModified }
    } else if let ifModifiedSince, etag != nil {
      if Self.seconds(modified) <= Self.seconds(ifModifiedSince) { return .notModified }
    }
    return .holds
  }

  /// Throws unless a read of the object may go on.
  func requireRead(_ key: ObjectKey, etag: String, modified: UInt64) throws(StorageError) {
    switch outcome(etag: etag, modified: modified) {
    case .holds: return
    case .notModified: throw .preconditionFailed(Subject("unmodified key", key.bytes))
    case .failed: throw .preconditionFailed(Subject("key", key.bytes))
    }
  }

  /// Throws unless a change of the object may be made. A tag or a time that is asked of a missing object is `notFound`.
  func requireWrite(_ key: ObjectKey, etag: String?, modified: UInt64) throws(StorageError) {
    if etag == nil, ifMatch != nil || ifUnmodifiedSince != nil { throw .notFound(Subject("key", key.bytes)) }
    var conditions = self
    conditions.ifModifiedSince = nil
    guard conditions.outcome(etag: etag, modified: modified) == .holds else {
      throw .preconditionFailed(Subject("key", key.bytes))
    }
  }

  private static func seconds(_ nanoseconds: UInt64) -> UInt64 { nanoseconds / 1_000_000_000 }
}

/// Which tags a condition asks for.
public enum ETagMatch: Hashable, Sendable {
  /// `*`: any object.
  case any
  /// One of these, without quotes.
  case tags([String])

  /// Whether an object with this tag is meant; nil: there is none.
  func matches(_ etag: String?) -> Bool {
    guard let etag else { return false }
    switch self {
    case .any: return true
    case .tags(let tags): return tags.contains { $0.utf8.elementsEqual(etag.utf8) }
    }
  }
}
