/// What a user keeps with an object beside its contents: values by names, both any bytes, ordered by the names' bytes.
public struct ObjectMetadata: Hashable, Sendable {
  /// One name and its value.
  public struct Entry: Hashable, Sendable {
    /// The name; not empty.
    public let name: [UInt8]
    /// The value.
    public let value: [UInt8]

    /// The name as text; what is no UTF-8 becomes the replacement character.
    public var nameText: String { String(decoding: name, as: UTF8.self) }
    /// The value as text; what is no UTF-8 becomes the replacement character.
    public var valueText: String { String(decoding: value, as: UTF8.self) }

    package init(name: [UInt8], value: [UInt8]) {
      self.name = name
      self.value = value
    }
  }

  /// Ascending by name, each name once.
  public private(set) var entries: [Entry]

  /// No metadata.
  public init() { entries = [] }

  /// Takes entries that are known to ascend.
  package init(ascending entries: [Entry]) { self.entries = entries }

  /// Whether there are none.
  public var isEmpty: Bool { entries.isEmpty }

  /// The value of a name, if there is one and it is UTF-8.
  public subscript(_ name: String) -> String? {
    get { bytes(for: Array(name.utf8)).flatMap { String(validating: $0, as: UTF8.self) } }
    set { set(Array(name.utf8), to: newValue.map { Array($0.utf8) }) }
  }

  /// The value of a name.
  public func bytes(for name: [UInt8]) -> [UInt8]? {
    let index = position(of: name)
    return index < entries.count && entries[index].name == name ? entries[index].value : nil
  }

  /// Sets the value of a name; nil removes it.
  public mutating func set(_ name: [UInt8], to value: [UInt8]?) {
    let index = position(of: name)
    let isPresent = index < entries.count && entries[index].name == name
    switch (value, isPresent) {
    case (let value?, true): entries[index] = Entry(name: name, value: value)
    case (let value?, false): entries.insert(Entry(name: name, value: value), at: index)
    case (nil, true): entries.remove(at: index)
    case (nil, false): break
    }
  }

  /// The first entry whose name does not come before `name`.
  private func position(of name: [UInt8]) -> Int {
    var lower = 0
    var upper = entries.count
    while lower < upper {
      let middle = (lower + upper) / 2
      if entries[middle].name.lexicographicallyPrecedes(name) { lower = middle + 1 } else { upper = middle }
    }
    return lower
  }
}

extension ObjectMetadata: ExpressibleByDictionaryLiteral {
  /// The last of several values for a name counts.
  public init(dictionaryLiteral elements: (String, String)...) {
    self.init()
    for (name, value) in elements { self[name] = value }
  }
}
