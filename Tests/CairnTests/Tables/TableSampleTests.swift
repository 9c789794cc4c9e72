import Cairn
import Foundation
import Testing

@Suite("The programs with tables")
struct TableSampleTests {
  @Test("the README's example runs, again and again")
  func readme() throws {
    let scratch = try Scratch()
    let path = scratch.path("app.cairn")
    for _ in 0..<2 { #expect(try tableProgram(path) == ["Ada", "Alan", "Ada: A cat"]) }
    let store = try Store.open(path, isReadOnly: true)
    try store.read { (txn) throws in
      #expect(try txn.table(User.self).all().map(\.name) == ["Alan"])
      #expect(try txn.table(Post.self).count() == 0)
    }
    #expect(try store.check(deep: true).isClean)
    try store.close()
  }

  @Test("the audio recorder, through restarts, with the cascade in one transaction")
  func recorder() throws {
    let scratch = try Scratch()
    let path = scratch.path("sound.cairn")
    let start = Date(timeIntervalSince1970: 1_700_000_000)
    var recorder = try AudioRecorder(path)
    let ann = try recorder.signUp(" Ann ", email: "ANN@example.org", at: start)
    let bob = try recorder.signUp("Bob", email: "bob@example.org", at: start)
    #expect(ann.name == "Ann" && ann.email == "ann@example.org" && bob.id > ann.id)
    #expect { try recorder.signUp("Eve", email: "ann@EXAMPLE.org", at: start) } throws: { error in
      guard case .constraintViolated(let violation)? = error as? StorageError else { return false }
      return violation.table == "users" && violation.name == "email"
    }
    #expect(throws: StorageError.self) { try recorder.signUp("  ", email: "x@example.org", at: start) }
    #expect(throws: StorageError.self) { try recorder.signUp("Eve", email: "nonsense", at: start) }

    // Parts of 100 KiB come in over restarts; nobody sees anything before the end.
    let parts = (0..<4).map { Data(repeating: UInt8($0), count: 100 << 10) }
    for number in 0..<5 {
      let recording = try recorder.start()
      for (index, part) in parts.enumerated() {
        try recorder.add(part, part: index, of: recording)
        if index == 1, number == 0 {
          try recorder.close()
          recorder = try AudioRecorder(path)
        }
      }
      #expect(try recorder.recordings(of: ann.id).rows.count == number)
      try recorder.finish(
        recording, owner: ann.id, title: "Talk \(number)", seconds: Double(number) * 10,
        at: start + Double(number) * 3600)
    }
    let lost = try recorder.start()
    try recorder.add(parts[0], part: 0, of: lost)
    try recorder.abandon(lost)
    // Without an owner there is no row, and no sound either.
    let foundling = try recorder.start()
    try recorder.add(parts[0], part: 0, of: foundling)
    #expect(throws: StorageError.self) {
      try recorder.finish(foundling, owner: 77, title: "?", seconds: 1, at: start)
    }
    try recorder.abandon(foundling)

    let single = try recorder.start()
    try recorder.add(parts[1], part: 0, of: single)
    try recorder.finish(single, owner: bob.id, title: "Hum", seconds: 7, at: start)
    #expect(try recorder.totals().map(\.name) == ["Ann", "Bob"])
    #expect(try recorder.totals().map(\.seconds) == [100, 7])
    #expect(try recorder.publish(before: start + 2 * 3600) == 3)

    var pages: [[String]] = []
    var page = try recorder.recordings(of: ann.id, pageSize: 2)
    while true {
      pages.append(page.rows.map(\.title))
      guard let next = page.next else { break }
      page = try recorder.recordings(of: ann.id, pageSize: 2, after: next)
    }
    #expect(pages.flatMap(\.self) == ["Talk 4", "Talk 3", "Talk 2", "Talk 1", "Talk 0"])
    let newest = try #require(try recorder.recordings(of: ann.id).rows.first)
    #expect(newest.state == .fresh && newest.made == start + 4 * 3600)
    #expect(try recorder.sound(newest.id) == parts.reduce(Data(), +))

    try recorder.remove(ann.id)
    #expect(try recorder.recordings(of: ann.id).rows.isEmpty)
    #expect(try recorder.totals().map(\.name) == ["Bob"])
    try recorder.close()

    let store = try Store.open(path)
    try store.read { (txn) throws in
      #expect(try txn.table(Recording.self).all().map(\.title) == ["Hum"])
      #expect(try txn.bucket("sound").list().objects.count == 1)
    }
    #expect(try store.check(deep: true).isClean)
    try store.close()
  }
}
