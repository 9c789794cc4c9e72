public import CairnBlocks
public import CairnBytes
public import CairnMaps
import Foundation

/// A `Codable` value as what a typed map stores: its JSON.
///
/// A convenience for hosts, where values change their shape more often than their speed matters; a type that conforms to
/// `Storable` itself takes fewer bytes and runs in canisters, too. JSON has no order that means anything, so it makes good
/// values and poor keys.
///
///     try store.transaction { transaction in
///       let users = try transaction.map(1, named: "users", UInt64.self, JSONValue<User>.self)
///       try users.insert(7, User(name: "Ada"))
///       let ada = try users.value(for: 7)
///     }
public struct JSONValue<Value: Codable>: Storable {
  /// The value.
  public let value: Value
  private let json: [UInt8]

  /// A value that JSON has a form for.
  ///
  /// - Throws: `EncodingError`.
  public init(_ value: Value) throws {
    let encoder = JSONEncoder()
    // Equal values shall have equal bytes.
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    self.value = value
    json = [UInt8](try encoder.encode(value))
  }

  /// JSON of the type of this name. A type in another module has another name.
  public static var storedType: StoredType { StoredType("JSON \(String(reflecting: Value.self))", .unbounded) }

  /// The JSON, so that another value may follow.
  public func encode(into bytes: inout [UInt8]) { json.encode(into: &bytes) }

  /// Reads the JSON at an offset; what the type does not decode from is malformed.
  public init(decoding bytes: Span<UInt8>, at offset: inout Int) throws(ByteReader.Failure) {
    try self.init(json: try [UInt8](decoding: bytes, at: &offset))
  }

  /// The JSON as it is.
  public func encodeAlone(into bytes: inout [UInt8]) { bytes.append(contentsOf: json) }

  /// The value of all the bytes.
  public init(decodingAlone bytes: Span<UInt8>) throws(ByteReader.Failure) {
    try self.init(json: try [UInt8](decodingAlone: bytes))
  }

  private init(json: [UInt8]) throws(ByteReader.Failure) {
    guard let value = try? JSONDecoder().decode(Value.self, from: Data(json)) else { throw .malformed }
    self.value = value
    self.json = json
  }
}

extension JSONValue: Sendable where Value: Sendable {}

extension StableMap {
  /// Sets the value of a key; the value that it had, or nil.
  ///
  /// - Throws: `StorageError`, and `EncodingError` for a value that JSON has no form for.
  @discardableResult
  public func insert<Wrapped: Codable>(_ key: Key, _ value: Wrapped) throws -> Wrapped?
  where Value == JSONValue<Wrapped> {
    try insert(key, try JSONValue(value))?.value
  }

  /// The value of a key, or nil.
  public func value<Wrapped: Codable>(for key: Key) throws(StorageError) -> Wrapped?
  where Value == JSONValue<Wrapped> {
    try get(key)?.value
  }
}
