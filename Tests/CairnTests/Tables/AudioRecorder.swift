// A larger program of the README, between the two marks: users and recordings as rows, the sound as objects.

// begin
import Cairn
import Foundation

@Table("users") struct Speaker {
  @PrimaryKey(autoIncrement: true) var id: Int64
  @Unique @Sanitize(.trim, .lowercase) @Validate(.email) var email: String
  @Sanitize(.trim) @Check("named", { $0 != "" }) var name: String
  var joined: Date
}

@Table("recordings", indexes: [["owner", "made"]]) struct Recording: Equatable {
  enum State: String, ColumnEnumeration { case fresh, published }

  @PrimaryKey(autoIncrement: true) var id: Int64
  @References(Speaker.self, onDelete: .cascade) var owner: Int64
  var title: String
  @Check({ $0 >= 0 }) var seconds: Double
  var made: Date
  @Unique var key: String
  @Default(State.fresh) var state: State
}

/// Keeps who speaks and what was said: rows in tables, the sound itself in a bucket, each change of both in one commit.
final class AudioRecorder {
  private let store: Store
  private static let bucket = "sound"

  init(_ path: String) throws {
    store = try Store.open(path, createIfMissing: true)
    try store.openTables(Speaker.self, Recording.self)
    try store.transaction { txn in _ = try txn.createBucket(Self.bucket, ifMissing: true) }
  }

  func close() throws { try store.close() }

  func signUp(_ name: String, email: String, at time: Date) throws -> Speaker {
    try store.transaction { txn in
      try txn.table(Speaker.self).insert(Speaker(id: 0, email: email, name: name, joined: time))
    }
  }

  /// Starts a recording whose sound comes in parts, in calls that may lie hours and restarts apart.
  func start(lease: Lease = .minutes(60)) throws -> TransactionID { try store.begin(lease: lease) }

  func add(_ sound: Data, part: Int, of recording: TransactionID) throws {
    try store.resume(recording) { txn in
      _ = try txn.bucket(Self.bucket).put(ObjectKey("\(recording)/\(part)"), sound)
    }
  }

  /// Ends a recording: its row appears together with its sound, or neither does.
  func finish(_ recording: TransactionID, owner: Int64, title: String, seconds: Double, at time: Date) throws {
    try store.resume(recording) { txn in
      _ = try txn.table(Recording.self).insert(
        Recording(
          id: 0, owner: owner, title: title, seconds: seconds, made: time, key: "\(recording)/", state: .fresh))
    }
    try store.commit(recording)
  }

  func abandon(_ recording: TransactionID) throws { try store.rollback(recording) }

  func publish(before time: Date) throws -> UInt64 {
    try store.transaction { txn in
      try txn.table(Recording.self).filter { $0.made < time && $0.state == .fresh }.update {
        [$0.state.set(.published)]
      }
    }
  }

  /// The newest recordings of a speaker, a page at a time.
  func recordings(
    of owner: Int64, pageSize: UInt64 = 20, after page: PageToken? = nil
  ) throws -> (rows: [Recording], next: PageToken?) {
    try store.read { txn in
      try txn.table(Recording.self).filter { $0.owner == owner }.sorted { $0.made.descending }
        .page(size: pageSize, after: page)
    }
  }

  /// The sound of a recording.
  func sound(_ id: Int64) throws -> Data {
    try store.read { txn in
      guard let recording = try txn.table(Recording.self).get(id) else { return Data() }
      let bucket = try txn.bucket(Self.bucket)
      var sound = Data()
      for part in try bucket.list(ObjectQuery(prefix: recording.key)).objects {
        sound.append(contentsOf: try bucket.get(part.key))
      }
      return sound
    }
  }

  /// Speakers with the seconds that they spoke, those who spoke most first.
  func totals() throws -> [(name: String, seconds: Double)] {
    try store.read { txn in
      let speakers = try txn.table(Speaker.self)
      let sums = try txn.table(Recording.self).query.grouped { $0.owner }.select { [$0.seconds.sum] }
      let totals = try sums.map { group in
        (try speakers.get(group.first)?.name ?? "", Double(columnValue: group.second[0]) ?? 0)
      }
      return totals.sorted { $0.1 > $1.1 }
    }
  }

  /// Deletes a speaker: the rows of the recordings go with the row, and the sound goes in the same commit.
  func remove(_ id: Int64) throws {
    try store.transaction { txn in
      let bucket = try txn.bucket(Self.bucket)
      for key in try txn.table(Recording.self).filter({ $0.owner == id }).select({ $0.key }) {
        for part in try bucket.list(ObjectQuery(prefix: key)).objects { try bucket.delete(part.key) }
      }
      try txn.table(Speaker.self).delete(id)
    }
  }
}
// end
