import CairnBytes
import CairnTables
import Testing

@Suite("Types of columns")
struct ColumnRepresentableTests {
  enum Role: String, ColumnEnumeration { case admin, guest }
  enum Level: UInt8, ColumnEnumeration { case low = 1, high = 200 }

  struct Point: NestedValue, Equatable {
    var x: UInt8
    var y: UInt8
    var nestedBytes: [UInt8] { [x, y] }
    init(x: UInt8, y: UInt8) { (self.x, self.y) = (x, y) }
    init?(nestedBytes: [UInt8]) {
      guard nestedBytes.count == 2 else { return nil }
      self.init(x: nestedBytes[0], y: nestedBytes[1])
    }
  }

  @Test("integers of another width or sign are not taken")
  func integers() {
    #expect(Int8(columnValue: .integer(127)) == 127)
    #expect(Int8(columnValue: .integer(128)) == nil)
    #expect(Int64(columnValue: .unsigned(1)) == nil)
    #expect(UInt16(columnValue: .unsigned(65_535)) == 65_535)
    #expect(UInt16(7).columnValue == .unsigned(7))
    #expect(String(columnValue: .null) == nil)
  }

  @Test("optionals know null from a wrong value")
  func optionals() {
    #expect(Int32?(columnValue: .null) == .some(nil))
    #expect(Int32?(columnValue: .integer(5)) == .some(5))
    #expect(Int32?(columnValue: .string("5")) == nil)
    #expect(Int32?.none.columnValue == .null)
    #expect(Int32?.isOptionalColumn && !Int32.isOptionalColumn)
    #expect(Int32?.columnType == .int32)
  }

  @Test("enumerations stand for their raw values")
  func enumerations() {
    #expect(Role.columnType == .string)
    #expect(Role.guest.columnValue == .string("guest"))
    #expect(Role(columnValue: .string("admin")) == .admin)
    #expect(Role(columnValue: .string("nobody")) == nil)
    #expect(Level.columnType == .uint8)
    #expect(Level?(columnValue: .unsigned(200)) == .some(.high))
    #expect(Level?(columnValue: .unsigned(3)) == nil)
  }

  @Test("nested values stand for their bytes")
  func nested() {
    #expect(Point.columnType == .bytes)
    #expect(Point(x: 1, y: 2).columnValue == .bytes([1, 2]))
    #expect(Point(columnValue: .bytes([1, 2])) == Point(x: 1, y: 2))
    #expect(Point(columnValue: .bytes([1])) == nil)
    #expect(Point(columnValue: .null) == nil)
  }

  @Test("keys of several columns")
  func keys() {
    #expect(Pair(Int32(1), "a").keyValues == [.integer(1), .string("a")])
    #expect(Pair<Int32, String>(keyValues: [.integer(1), .string("a")]) == Pair(1, "a"))
    #expect(Pair<Int32, String>(keyValues: [.integer(1)]) == nil)
    #expect(Triple<Int32, String, Bool>(keyValues: [.integer(1), .string("a"), .bool(true)]) == Triple(1, "a", true))
    #expect(Triple<Int32, String, Bool>(keyValues: [.integer(1), .string("a"), .integer(1)]) == nil)
    #expect(String(keyValues: [.string("k")]) == "k")
    #expect(String(keyValues: []) == nil)
    #expect(Int32(7).keyValues == [.integer(7)])
    #expect(KeyValues(keyValues: [.integer(7), .null])?.keyValues == [.integer(7), .null])
  }
}
