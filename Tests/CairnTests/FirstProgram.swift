// The first program of the README, between the two marks.

// begin
import Cairn

func firstProgram(_ path: String) throws {
  let store = try Store.open(path, createIfMissing: true)

  // One call: everything is committed when the closure returns, nothing when it throws.
  try store.transaction { txn in
    try txn.createBucket("media", ifMissing: true)
    try txn.bucket("media").put("cat.jpg", [0xFF, 0xD8, 0xFF])
  }

  // Many calls, perhaps of several processes: nobody sees anything before the commit.
  let id = try store.begin(lease: .minutes(10))
  try store.resume(id) { txn in
    let media = try txn.bucket("media")
    try media.copy("cat.jpg", to: "2026/cat.jpg")
    try media.delete("cat.jpg")
  }
  try store.commit(id)

  try store.read { txn in
    for object in try txn.bucket("media").list().objects { print(object.key, object.size) }
  }
  try store.close()
}
// end
