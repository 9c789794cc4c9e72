internal import ArgumentParser
internal import CairnObjects

/// An object by bucket and key: `BUCKET/KEY`. The key begins behind the first slash and may hold any bytes.
struct ObjectAddress: ExpressibleByArgument, Hashable, Sendable {
  /// The bucket.
  let bucket: String
  /// The key.
  let key: ObjectKey

  /// From text; nil without a slash.
  init?(argument: String) {
    guard let slash = argument.unicodeScalars.firstIndex(of: "/") else { return nil }
    bucket = String(argument[..<slash])
    key = ObjectKey(ArgumentBytes.unescape(String(argument.unicodeScalars[slash...].dropFirst())))
  }
}

/// A bucket, or the keys of it that begin in one way: `BUCKET` or `BUCKET/PREFIX`.
struct PrefixAddress: ExpressibleByArgument, Hashable, Sendable {
  /// The bucket.
  let bucket: String
  /// What the keys begin with; empty for all.
  let prefix: [UInt8]

  /// From text; every text is one.
  init(argument: String) {
    let parts = argument.unicodeScalars.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    bucket = parts.first.map { String($0) } ?? ""
    prefix = parts.count == 2 ? ArgumentBytes.unescape(String(parts[1])) : []
  }

  /// What the keys begin with when the prefix is meant as a folder: with a slash at the end, unless it is the whole
  /// bucket.
  var folder: [UInt8] {
    prefix.isEmpty || prefix.last == UInt8(ascii: "/") ? prefix : prefix + [UInt8(ascii: "/")]
  }
}
