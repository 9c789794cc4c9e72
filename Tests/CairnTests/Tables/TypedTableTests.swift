import Cairn
import Foundation
import Testing

@Table private struct City: Equatable {
  @PrimaryKey var id: Int32
  @Index var name: String
  @Index var country: String?
  var people: UInt64
  var area: ExactDecimal?
  @Column("since") var founded: CalendarDate?
}

@Table("roads", primaryKey: ["from", "to"], unique: [["number", "kind"]])
private struct Road: Equatable {
  enum Kind: UInt8, ColumnEnumeration { case path = 1, street = 2 }

  @References(City.self, onDelete: .cascade) var from: Int32
  @References(City.self, onDelete: .cascade) var to: Int32
  var number: Int16
  var kind: Kind
  @Check({ $0 > 0 }) var length: Double

  static func checks(_ columns: Columns) -> [CheckDefinition] {
    [CheckDefinition("no loop", columns.from != columns.to)]
  }
}

@Table private struct Everything: Equatable {
  struct Point: NestedValue, Equatable {
    var x: UInt8
    var nestedBytes: [UInt8] { [x] }
    init(x: UInt8) { self.x = x }
    init?(nestedBytes: [UInt8]) {
      guard nestedBytes.count == 1 else { return nil }
      x = nestedBytes[0]
    }
  }

  @PrimaryKey var id: UniqueID
  var small: Int8
  var medium: UInt16?
  var number: Double
  var exact: Decimal
  var flag: Bool
  var bytes: [UInt8]
  var data: Data?
  var day: CalendarDate
  var time: Date
  var moment: Timestamp?
  var token: UUID
  var owner: Principal?
  var point: Point?
  @Default(5) var `default`: Int32
}

@Table("albums", primaryKey: ["artist", "title"])
private struct Album: Equatable {
  var artist: String
  var title: String
}

@Table(
  "songs",
  references: [.columns(["artist", "album"], to: Album.self, onDelete: .cascade, onUpdate: .cascade)])
private struct Song: Equatable {
  @PrimaryKey var id: Int64
  var artist: String
  var album: String?
}

@Table("members") private struct OldMember: Equatable {
  @PrimaryKey var id: Int32
  var name: String
  @References(OldMember.self) var parent: Int32?
}

@Table("members") private struct Member: Equatable {
  @PrimaryKey var id: Int64
  var first: String
  var last: String
  @References(Member.self) var parent: Int64?
}

@Suite("Typed tables")
struct TypedTableTests {
  private let scratch: Scratch
  private let store: Store

  init() throws {
    scratch = try Scratch()
    store = try Store.create(scratch.path("t.cairn"))
    try store.openTables(City.self, Road.self, Everything.self)
    try store.transaction { (txn) throws in
      try txn.table(City.self).insert(contentsOf: Self.cities)
      try txn.table(Road.self).insert(contentsOf: Self.roads)
    }
  }

  private static let cities = [
    City(id: 1, name: "Aachen", country: "DE", people: 250_000, area: ExactDecimal("160.85"), founded: nil),
    City(
      id: 2, name: "Bern", country: "CH", people: 134_000, area: ExactDecimal("51.62"),
      founded: CalendarDate("1191-01-01")),
    City(id: 3, name: "Atlantis", country: nil, people: 0, area: nil, founded: nil),
    City(
      id: 4, name: "Zug", country: "CH", people: 30_000, area: ExactDecimal("21.61"),
      founded: CalendarDate("1242-01-01")),
  ]

  private static let roads = [
    Road(from: 1, to: 2, number: 1, kind: .street, length: 500),
    Road(from: 2, to: 4, number: 1, kind: .path, length: 120),
    Road(from: 4, to: 1, number: 2, kind: .street, length: 550.5),
  ]

  @Test("rows come back as they went in")
  func roundTrip() throws {
    try store.read { (txn) throws in
      let cities = try txn.table(City.self)
      #expect(try cities.all() == Self.cities)
      #expect(try cities.get(2) == Self.cities[1])
      #expect(try cities.get(9) == nil)
      #expect(try cities.exists(3) && !cities.exists(9))
      #expect(try txn.table(Road.self).get(Pair(2, 4)) == Self.roads[1])
      #expect(Self.roads[0].tableKey == Pair(1, 2))
    }
  }

  @Test("references of several columns")
  func compositeReferences() throws {
    try store.openTables(Album.self, Song.self, in: "music")
    let songs = [
      Song(id: 1, artist: "A", album: "one"), Song(id: 2, artist: "A", album: "two"),
      Song(id: 3, artist: "B", album: nil),
    ]
    try store.transaction { (txn) throws in
      let albums = try txn.table(Album.self, in: "music")
      try albums.insert(contentsOf: [Album(artist: "A", title: "one"), Album(artist: "A", title: "two")])
      let table = try txn.table(Song.self, in: "music")
      try table.insert(contentsOf: songs)
      #expect(throws: StorageError.self) { try table.insert(Song(id: 4, artist: "B", album: "one")) }
      try albums.update(Pair("A", "one")) { [$0.artist.set("C")] }
      #expect(try table.get(1) == Song(id: 1, artist: "C", album: "one"))
      try albums.delete(Pair("A", "two"))
      #expect(try table.sorted { $0.id }.all().map(\.id) == [1, 3])
      let joined = try table.query.join(Album.self) { $0.artist == $1.artist && $1.title == $0.album }.all()
      #expect(joined == [Pair(Song(id: 1, artist: "C", album: "one"), Album(artist: "C", title: "one"))])
      #expect(try table.query.join(Album.self, along: "artist_album").all() == joined)
      let rows = try table.sorted { $0.id }.leftJoin(Album.self, along: "artist_album").offset(1).rows()
      let pair = try #require(try rows.next())
      #expect(pair.first.id == 3 && pair.second == nil)
      #expect(try rows.next() == nil)
      #expect(try albums.query.join(Song.self, along: "artist_album").all().map(\.second) == [joined[0].first])
    }
    #expect(try store.check(deep: true).findings.isEmpty)
  }

  @Test("a migration reads old rows as one type and writes new ones as another")
  func typedMigration() throws {
    try store.openTables(OldMember.self, in: "club")
    try store.transaction { (txn) throws in
      try txn.table(OldMember.self, in: "club").insert(contentsOf: [
        OldMember(id: 1, name: "Ada Byron", parent: nil), OldMember(id: 2, name: "Alan Turing", parent: 1),
      ])
    }
    let split = Migration("split names") { (tables: TableVolume) throws(StorageError) in
      try tables.renameTable("members", to: "old members")
      try tables.createTable(Member.self)
      let old = try tables.table(OldMember.self, named: "old members")
      let new = try tables.table(Member.self)
      let rows = try old.query.rows()
      while let row = try rows.next() {
        let parts = row.name.split(separator: " ")
        try new.insert(Member(id: Int64(row.id), first: String(parts[0]), last: String(parts[1]), parent: nil))
      }
      for row in try old.all() {
        try new.update(Int64(row.id)) { [$0.parent.set(row.parent.map { Int64($0) })] }
      }
      try tables.dropTable("old members")
    }
    for _ in 0..<2 { try store.openTables(Member.self, in: "club", version: 2, migrations: [split]) }
    try store.read { (txn) throws in
      let members = try txn.table(Member.self, in: "club")
      #expect(
        try members.all() == [
          Member(id: 1, first: "Ada", last: "Byron", parent: nil),
          Member(id: 2, first: "Alan", last: "Turing", parent: 1),
        ])
    }
    #expect(throws: StorageError.self) { try store.openTables(OldMember.self, in: "club") }
    #expect(try store.check(deep: true).findings.isEmpty)
  }

  @Test("every type of column, at its edges")
  func types() throws {
    var rows: [Everything] = []
    for number in 0..<3 {
      rows.append(
        Everything(
          id: UniqueID(high: UInt64(number), low: .max), small: number == 0 ? .min : .max,
          medium: number == 1 ? nil : 65_535,
          number: [-.infinity, -0.0, 1e300][number],
          exact: Decimal(string: ["-0.001", "12345678901234567890.5", "0"][number]) ?? 0,
          flag: number == 1, bytes: [UInt8](repeating: 0, count: number), data: number == 2 ? nil : Data([1, 0, 2]),
          day: CalendarDate(year: 2000 + number, month: 2, day: 28) ?? .first,
          time: Date(timeIntervalSince1970: Double(number) / 4),
          moment: number == 0 ? nil : Timestamp(nanosecondsSince1970: -1), token: UUID(),
          owner: number == 0 ? nil : try Principal([1, 0]),
          point: number == 2 ? nil : .init(x: 7), default: 0))
    }
    try store.transaction { txn in try txn.table(Everything.self).insert(contentsOf: rows) }
    try store.read { (txn) throws in
      let table = try txn.table(Everything.self)
      #expect(try table.all() == rows)
      #expect(try table.filter { $0.exact < 0 }.count() == 1)
      #expect(try table.filter { $0.token == rows[1].token }.first() == rows[1])
      #expect(try table.filter { $0.data.isNull }.first() == rows[2])
      #expect(try table.filter { $0.time > Date(timeIntervalSince1970: 0.2) }.count() == 2)
    }
  }

  @Test("filters, orders, limits")
  func queries() throws {
    try store.read { (txn) throws in
      let cities = try txn.table(City.self)
      func names(_ query: TypedQuery<City>) throws -> [String] { try query.all().map(\.name) }
      #expect(try names(cities.filter { $0.name.hasPrefix("A") }) == ["Aachen", "Atlantis"])
      #expect(try names(cities.filter { $0.name.hasPrefix("A") && $0.country != nil }) == ["Aachen"])
      #expect(try names(cities.filter { $0.country == nil }) == ["Atlantis"])
      #expect(try names(cities.filter { $0.country != "DE" }) == ["Bern", "Zug"])
      #expect(try names(cities.filter { $0.name.contains("nti") || $0.people < 50_000 }) == ["Atlantis", "Zug"])
      #expect(try names(cities.filter { !($0.people >= 100_000) }) == ["Atlantis", "Zug"])
      #expect(try names(cities.filter { $0.people.isBetween(30_000, 134_000) }) == ["Bern", "Zug"])
      #expect(try names(cities.filter { $0.id.isIn([4, 1, 17]) }) == ["Aachen", "Zug"])
      #expect(
        try names(cities.sorted { $0.country }.sorted { $0.people.descending }) == [
          "Atlantis", "Bern", "Zug", "Aachen",
        ])
      #expect(
        try names(cities.sorted { [$0.country.descending, $0.name.ascending] }) == [
          "Aachen", "Bern", "Zug", "Atlantis",
        ])
      #expect(try names(cities.sorted { $0.people }.offset(1).limit(2)) == ["Zug", "Bern"])
      #expect(try cities.query.offset(1).limit(9).count() == 3)
      #expect(try cities.sorted { $0.name.descending }.first()?.name == "Zug")
      #expect(try cities.filter { $0.founded >= CalendarDate("1200-01-01") }.count() == 1)
      let plan = try cities.filter { $0.id == 4 }.explain()
      #expect(plan.access == .primaryKey, "\(plan)")
    }
  }

  @Test("columns, groups and sums")
  func values() throws {
    try store.read { (txn) throws in
      let cities = try txn.table(City.self)
      #expect(try cities.sorted { $0.name }.select { $0.name } == ["Aachen", "Atlantis", "Bern", "Zug"])
      #expect(
        try cities.query.distinct { $0.country } == [nil, "CH", "DE"]
          || Set(cities.query.distinct { $0.country }) == [nil, "CH", "DE"])
      #expect(try cities.sorted { $0.id }.limit(1).select { ($0.id, $0.country) } == [Pair(1, "DE")])
      #expect(
        try cities.sorted { $0.id }.limit(1).select { ($0.id, $0.country, $0.people) } == [Triple(1, "DE", 250_000)])
      #expect(try cities.query.maximum { $0.people } == 250_000)
      #expect(try cities.query.minimum { $0.founded } == .some(CalendarDate("1191-01-01")))
      #expect(try cities.filter { $0.id > 99 }.maximum { $0.people } == nil)
      #expect(try cities.query.sum { $0.area } == .decimal(try #require(ExactDecimal("234.08"))))
      #expect(try cities.query.average { $0.people } == .double(103_500))
      #expect(try cities.query.grouped { $0.country }.count() == [Pair(nil, 1), Pair("CH", 2), Pair("DE", 1)])
      let large = try cities.query.grouped { $0.country }.select(
        having: .compare("maximum_people", .greater, .unsigned(100))
      ) {
        [$0.people.maximum, $0.name.minimum]
      }
      #expect(large.map(\.first) == ["CH", "DE"])
      #expect(
        large.map(\.second) == [[.unsigned(134_000), .string("Bern")], [.unsigned(250_000), .string("Aachen")]])
    }
  }

  @Test("joins")
  func joins() throws {
    try store.read { (txn) throws in
      let cities = try txn.table(City.self)
      let inner = try txn.table(Road.self).query.join(City.self) { road, city in road.from == city.id }
      let streets = try inner.filter { road, city in road.kind == .street && city.people > 10 }
        .sorted { road, city in city.name.descending }.all()
      #expect(streets.map(\.first) == [Self.roads[2], Self.roads[0]])
      #expect(streets.map(\.second.name) == ["Zug", "Aachen"])
      let outer = try cities.query.leftJoin(Road.self) { city, road in city.id == road.to }.all()
      #expect(outer.map(\.first.name) == ["Aachen", "Bern", "Atlantis", "Zug"])
      #expect(outer.map { $0.second?.from } == [4, 1, nil, 2])
      #expect(throws: StorageError.self) {
        try cities.query.join(Road.self) { city, road in city.id < road.to }
      }
    }
  }

  @Test("changes by key and by condition")
  func changes() throws {
    try store.transaction { (txn) throws in
      let cities = try txn.table(City.self)
      #expect(try cities.update(2) { [$0.people.set(140_000), $0.founded.set(nil)] })
      #expect(try !cities.update(9) { [$0.people.set(1)] })
      #expect(try cities.filter { $0.country == "CH" }.update { [$0.country.set("Switzerland")] } == 2)
      var zug = Self.cities[3]
      zug.name = "Zoug"
      #expect(try cities.replace(zug))
      #expect(try !cities.upsert(zug))
      #expect(try cities.upsert(City(id: 5, name: "New", country: nil, people: 0, area: nil, founded: nil)))
      #expect(try cities.get(2)?.people == 140_000)
      #expect(try cities.get(4)?.country == "CH")
      #expect(throws: StorageError.self) { try cities.query.limit(1).delete() }
      #expect(try cities.delete(1))
      // The roads of a city go with it.
      #expect(try txn.table(Road.self).all() == [Self.roads[1]])
      #expect(try cities.filter { $0.people == 0 }.delete() == 2)
      #expect(try cities.count() == 2)
    }
    #expect(try store.check(deep: true).isClean)
  }

  @Test("what breaks a rule changes nothing, and the error names the rule")
  func violations() throws {
    func expect(_ name: String, _ body: (Transaction) throws -> Void) {
      #expect { try store.transaction(body) } throws: { error in
        guard case .constraintViolated(let violation)? = error as? StorageError else { return false }
        return violation.name.contains(name)
      }
    }
    expect("no loop") { try $0.table(Road.self).insert(Road(from: 1, to: 1, number: 9, kind: .path, length: 1)) }
    expect("length") { try $0.table(Road.self).insert(Road(from: 1, to: 4, number: 9, kind: .path, length: 0)) }
    expect("number_kind") { try $0.table(Road.self).insert(Road(from: 1, to: 4, number: 2, kind: .street, length: 1)) }
    expect("to") { try $0.table(Road.self).insert(Road(from: 1, to: 9, number: 9, kind: .path, length: 1)) }
    #expect(try store.read { txn in try txn.table(Road.self).count() } == 3)
  }

  @Test("a table that is not there, or not as it is declared, is an error")
  func mismatches() throws {
    let other = try Store.create(scratch.path("o.cairn"))
    #expect(throws: StorageError.self) { try other.read { txn in try txn.table(City.self).count() } }
    try other.transaction { txn in
      try txn.createTables()
      try txn.tables().createTable(
        TableSchema(
          "City", columns: [ColumnDefinition("id", .int32), ColumnDefinition("x", .bool)], primaryKey: ["id"]))
    }
    #expect { try other.read { txn in try txn.table(City.self).count() } } throws: { error in
      if case .schemaMismatch? = error as? StorageError { true } else { false }
    }
    try other.close()
  }

  @Test("a stored value that the program's enumeration does not know is an error")
  func unknownCase() throws {
    try store.transaction { (txn) throws in
      _ = try txn.tables().table("roads").insert([.integer(1), .integer(4), .integer(9), .unsigned(77), .double(1)])
    }
    #expect { try store.read { txn in try txn.table(Road.self).all() } } throws: { error in
      "\(error)".contains("kind") && "\(error)".contains("roads")
    }
  }

  @Test("Foundation's numbers with more digits than a column are rounded")
  func decimals() throws {
    let number = try #require(Decimal(string: "1234567890123456789012345678901234567.85"))
    #expect(ExactDecimal(number)?.description == "1234567890123456789012345678901234567.8")
    #expect(ExactDecimal(Decimal.nan) == nil)
    #expect(ExactDecimal(Decimal(string: "-1e100") ?? 0)?.description == "-1e100")
    #expect(Decimal(columnValue: .decimal(try #require(ExactDecimal("-12.5")))) == Decimal(string: "-12.5"))
    #expect(Date.distantFuture.columnValue == .timestamp(Timestamp(nanosecondsSince1970: .max)))
  }
}

extension CalendarDate {
  fileprivate static var first: CalendarDate { CalendarDate(daysSince1970: dayRange.lowerBound) ?? .first }
}
