import Cairn
import Foundation
import Testing

@Suite("Codable values of typed maps")
struct JSONValueTests {
  struct User: Codable, Hashable {
    var name: String
    var age: Int?
    var tags: [String] = []
  }

  struct Other: Codable { var name: String }

  private func store() throws -> Store {
    try Store.create(on: HeapMemory(pageCount: 64), options: StoreOptions(filesystems: Store.standardFilesystems))
  }

  @Test("come back, and are found by their key")
  func roundTrip() throws {
    let store = try store()
    let ada = User(name: "Ada \u{1F600}", age: 36, tags: ["a/b"])
    try store.transaction { transaction in
      let users = try transaction.map(1, named: "users", UInt64.self, JSONValue<User>.self)
      #expect(try users.insert(7, ada) == nil)
      #expect(try users.insert(7, User(name: "Grace")) == ada)
      #expect(try users.value(for: 7) == User(name: "Grace"))
      #expect(try users.value(for: 8) == nil)
      #expect(try users.items().map { $0.value.value.name } == ["Grace"])
    }
    #expect(throws: StorageError.self) {
      try store.read { transaction in _ = try transaction.map("users", UInt64.self, JSONValue<Other>.self) }
    }
  }

  @Test("that JSON has no form for are refused, and nothing is stored")
  func refusal() throws {
    let store = try store()
    try store.createMap("numbers", UInt64.self, JSONValue<Double>.self)
    #expect(throws: EncodingError.self) {
      try store.transaction { transaction in
        try transaction.map("numbers", UInt64.self, JSONValue<Double>.self).insert(1, Double.infinity)
      }
    }
    let isEmpty = try store.read { transaction in
      try transaction.map("numbers", UInt64.self, JSONValue<Double>.self).isEmpty()
    }
    #expect(isEmpty)
  }

  @Test("that are something else on the device are damage")
  func damage() throws {
    let store = try store()
    try store.createMap("numbers", UInt64.self, JSONValue<Int>.self)
    try store.transaction { transaction in
      let map = try transaction.map("numbers", UInt64.self, JSONValue<Int>.self)
      try map.bytes.put([0, 0, 0, 0, 0, 0, 0, 1], Array("\"one\"".utf8))
      #expect(throws: StorageError.self) { try map.value(for: 1) }
    }
  }
}
