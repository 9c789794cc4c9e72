/// What names one case of one suite: `SUITE:key=value:key=value`, one word without spaces.
///
/// It is what a failure prints and what `--replay` takes. Values hold letters, digits and `-_.,+/`; the keys keep the order
/// in which they were set.
struct ReplayString: Equatable, Sendable, CustomStringConvertible {
  /// The suite that the case belongs to.
  let suite: String
  private var values: [(key: String, value: String)] = []

  init(_ suite: String) { self.suite = suite }

  /// Reads what `description` prints; nil when it is something else.
  init?(parsing text: String) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard let name = parts.first, !name.isEmpty else { return nil }
    suite = String(name)
    for part in parts.dropFirst() {
      guard let equals = part.firstIndex(of: "="), equals != part.startIndex else { return nil }
      self[String(part[..<equals])] = String(part[part.index(after: equals)...])
    }
  }

  /// The value of a key; setting nil removes it.
  subscript(key: String) -> String? {
    get { values.first { $0.key == key }?.value }
    set {
      let index = values.firstIndex { $0.key == key }
      switch (index, newValue) {
      case (let index?, let value?): values[index].value = value
      case (let index?, nil): values.remove(at: index)
      case (nil, let value?): values.append((key, value))
      case (nil, nil): break
      }
    }
  }

  /// A copy with one more value.
  func with(_ key: String, _ value: some CustomStringConvertible) -> ReplayString {
    var copy = self
    copy[key] = value.description
    return copy
  }

  /// The value of a key as a number; throws when it is missing or something else.
  func number(_ key: String) throws -> Int {
    guard let number = Int(try text(key)) else { throw LabError("\(key) must be a number in \(self)") }
    return number
  }

  /// The value of a key as a number without a sign.
  func unsigned(_ key: String) throws -> UInt64 {
    guard let number = UInt64(try text(key)) else { throw LabError("\(key) must be a number in \(self)") }
    return number
  }

  /// The value of a key; throws when it is missing.
  func text(_ key: String) throws -> String {
    guard let value = self[key] else { throw LabError("\(key) is missing in \(self)") }
    return value
  }

  var description: String {
    values.reduce(into: suite) { $0 += ":\($1.key)=\($1.value)" }
  }

  static func == (left: ReplayString, right: ReplayString) -> Bool { left.description == right.description }
}

/// What is wrong with how the lab was called, or with the lab itself.
struct LabError: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}
