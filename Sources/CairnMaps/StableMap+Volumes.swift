public import CairnBlocks
public import CairnVolumes

// Typed maps by the names and ids of their volumes.

extension Transaction {
  /// Makes a typed map as a volume of its own.
  ///
  /// - Parameter id: the id that the volume shall have; nil: the least that is free.
  /// - Throws: `alreadyExists` for the name or the id; `invalidKey` for a key type that may take more bytes than keys have.
  @discardableResult
  public func createMap<Key: Storable, Value: Storable>(
    _ name: String, _ key: Key.Type, _ value: Value.Type, id: VolumeID? = nil, quotaByteCount: UInt64? = nil
  ) throws(StorageError) -> StableMap<Key, Value> {
    let made = try createVolume(
      name, kind: .map, options: Array(StableMap<Key, Value>.definition.utf8), quotaByteCount: quotaByteCount, id: id)
    return try map(made, key, value)
  }

  /// A typed map by the name of its volume. It lives as long as the transaction.
  ///
  /// - Throws: `notFound`; `wrongKind` when the volume is no map, or one of other types; `accessDenied`.
  public func map<Key: Storable, Value: Storable>(
    _ name: String, _ key: Key.Type, _ value: Value.Type
  ) throws(StorageError) -> StableMap<Key, Value> {
    try StableMap(try map(name, definition: StableMap<Key, Value>.definition))
  }

  /// A typed map by the id of its volume. It lives as long as the transaction.
  ///
  /// - Throws: as the one by name.
  public func map<Key: Storable, Value: Storable>(
    _ id: VolumeID, _ key: Key.Type, _ value: Value.Type
  ) throws(StorageError) -> StableMap<Key, Value> {
    try StableMap(try map(id, definition: StableMap<Key, Value>.definition))
  }

  /// The typed map with an id and a name, made when neither is there yet: for programs that number their maps.
  ///
  /// - Throws: `wrongKind` when the map is of other types; `alreadyExists` when the id is that of another volume, or the
  ///   name; `readOnly` when it would have to be made.
  public func map<Key: Storable, Value: Storable>(
    _ id: VolumeID, named name: String, _ key: Key.Type, _ value: Value.Type
  ) throws(StorageError) -> StableMap<Key, Value> {
    guard try volumeExists(name) else { return try createMap(name, key, value, id: id) }
    let volume = try volume(name, kind: .map)
    guard volume.id == id else { throw .alreadyExists(Subject("volume", name)) }
    return try map(id, key, value)
  }
}

extension Store {
  /// Makes a typed map in a commit of its own; its id. See `Transaction.createMap`.
  @discardableResult
  public func createMap<Key: Storable, Value: Storable>(
    _ name: String, _ key: Key.Type, _ value: Value.Type, id: VolumeID? = nil, quotaByteCount: UInt64? = nil
  ) throws(StorageError) -> VolumeID {
    try transaction { (transaction) throws(StorageError) in
      try transaction.createMap(name, key, value, id: id, quotaByteCount: quotaByteCount).bytes.volume.id
    }
  }
}
