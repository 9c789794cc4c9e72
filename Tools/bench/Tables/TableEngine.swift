/// A store of rows that is measured: people with a number, a unique e-mail address and an age that is indexed, and visits of
/// people.
///
/// What a transaction changes is durable when it returns. Rows that are read are handed over whole, their texts copied to a
/// buffer of the caller's.
protocol TableEngine: AnyObject {
  /// Opens the store in its folder, or makes it.
  func open() throws
  /// Closes it cleanly.
  func close() throws
  /// One durable transaction.
  func transaction(_ body: (any TableWriter) throws -> Void) throws
  /// One read of a consistent state.
  func read(_ body: (any TableReader) throws -> Void) throws
  /// One read that asks for one thing.
  func ask(_ body: (any TableReader) throws -> Void) throws
}

extension TableEngine {
  func ask(_ body: (any TableReader) throws -> Void) throws { try read(body) }
}

/// What a transaction does.
protocol TableWriter {
  func insert(_ person: Person) throws
  func insert(_ visit: Visit) throws
  /// Sets a person's age; false: there is no such person.
  func setAge(_ age: Int64, of id: Int64) throws -> Bool
  /// Deletes a person; false: there is none.
  func delete(_ id: Int64) throws -> Bool
}

/// What a read does.
protocol TableReader {
  /// The person with a number.
  func person(_ id: Int64, _ seen: inout SeenRows) throws
  /// The person with an e-mail address.
  func person(email: String, _ seen: inout SeenRows) throws
  /// The first people of some ages, by age and number.
  func people(ages: ClosedRange<Int64>, limit: Int, _ seen: inout SeenRows) throws
  /// All visits, each beside its person's age.
  func visitsWithAges(_ seen: inout SeenRows) throws
  /// For each number of minutes, how many visits there are, and the sum of their people's numbers. No index has the minutes.
  func visitsByMinutes(_ seen: inout SeenRows) throws
  /// For each age, how many people there are, and the sum of their numbers.
  func peopleByAge(_ seen: inout SeenRows) throws
}

/// A row of the first table.
struct Person {
  var id: Int64
  var name: String
  var email: String
  var age: Int64

  static let ages: ClosedRange<Int64> = 18...97

  /// The person with a number: the same in every run.
  init(_ number: Int) {
    id = Int64(number)
    name = "Person " + Self.hexadecimal(Key.mix(UInt64(number) &+ 77), digits: 8)
    email = Self.email(number)
    age = Self.age(number)
  }

  static func email(_ number: Int) -> String {
    "u" + hexadecimal(Key.mix(UInt64(number) &+ 991), digits: 16) + "@example.com"
  }

  static func age(_ number: Int) -> Int64 { ages.lowerBound + Int64(Key.mix(UInt64(number)) % UInt64(ages.count)) }

  /// Bytes of the row: two numbers and two texts.
  static let byteCount = 16 + 15 + 29

  private static func hexadecimal(_ number: UInt64, digits: Int) -> String {
    let symbols = Array("0123456789abcdef".utf8)
    return String(
      decoding: (0..<digits).map { symbols[Int(truncatingIfNeeded: number >> UInt64(4 * (digits - 1 - $0))) & 15] },
      as: UTF8.self)
  }
}

/// A row of the second table.
struct Visit {
  var id: Int64
  var person: Int64
  var minutes: Int64

  static let minutesCount: UInt64 = 120

  /// The visit with a number, of one of so many people.
  init(_ number: Int, peopleCount: Int) {
    id = Int64(number)
    person = 1 + Int64(Key.mix(UInt64(number) &+ 5) % UInt64(peopleCount))
    minutes = Int64(Key.mix(UInt64(number) &+ 6) % Self.minutesCount)
  }
}

/// What became of the rows that a read gave: so many, and a sum over all of their numbers.
struct SeenRows: Equatable {
  var count = 0
  var sum: Int64 = 0
  /// Bytes of texts.
  var byteCount = 0

  mutating func add(_ numbers: Int64...) {
    count += 1
    for number in numbers { sum &+= number }
  }
}
