#if arch(wasm32)
  import CairnBlocks
  import CairnMaps
  import CairnObjects
  import CairnVolumes
  import Canister
  import Candid

  /// The one store of the canister, and the uploads that are under way.
  ///
  /// All of it but the uploads is in stable memory; `canister_post_upgrade` opens it again. There is no `pre_upgrade` hook:
  /// nothing waits in the heap to be saved, so nothing can fail to be.
  final class Backend {
    let store: Store
    /// Uploads that have begun: in the heap, so an upgrade ends them, and their space is free again.
    var uploads: [UInt64: Upload] = [:]
    var nextUpload: UInt64 = 1

    /// The map of this example, of the volume with this id.
    static let counters = "counters"
    static let countersID: VolumeID = 1

    /// Pages that a new store begins with; it grows by itself.
    private static let startPageCount: UInt64 = 768
    /// The journal's ring: what one transaction can change, and how much of the past `journal` shows.
    private static let journalByteCount: UInt64 = 16 << 20

    private init(_ store: Store) { self.store = store }

    private static var options: StoreOptions {
      var options = StoreOptions(filesystems: [ObjectFilesystem(), MapFilesystem()], environment: .canister)
      // A message has an instruction limit; `step` goes on with what is long.
      options.removesInSteps = true
      return options
    }

    /// Makes the store in the canister's stable memory. Who installs it administers it.
    static func create(administrator: [UInt8]) throws(StorageError) {
      let memory = CanisterMemory.shared
      do { try memory.grow(by: startPageCount) } catch { throw .memory(error) }
      let store = try Store.create(
        on: memory, format: FormatOptions(journalByteCount: journalByteCount, growsByItself: true), options: options)
      try store.createVolume(ObjectVolume.defaultName, kind: .objects)
      try store.createMap(counters, String.self, UInt64.self, id: countersID)
      try store.grant(.admin, to: try Principal(administrator), on: .store)
      Installed.current.backend = Backend(store)
    }

    /// Opens the store that an earlier version of the canister left in stable memory, or the tool made on a host.
    static func open() throws(StorageError) {
      Installed.current.backend = Backend(try Store.open(on: CanisterMemory.shared, options: options))
    }

    /// An upload by its number, for the principal that began it.
    func upload(_ id: UInt64, of principal: [UInt8]) throws(StorageError) -> Upload {
      guard let upload = uploads[id], upload.owner == principal else { throw .notFound(Subject("upload", "\(id)")) }
      return upload
    }
  }

  /// Where the methods find the backend. A canister has one thread.
  final class Installed: @unchecked Sendable {
    static let current = Installed()
    var backend: Backend?
  }

  /// Contents that come in chunks.
  struct Upload {
    let writer: ObjectWriter
    let owner: [UInt8]
  }

  /// Answers with what `body` returns, or with the error's text as `err`: a commit that finds a conflict has rolled back
  /// and must not be taken back, as a trap would do. The store acts as the caller.
  func answer(_ type: CandidType, _ body: (Backend, Store) throws(StorageError) -> CandidValue) {
    guard let backend = Installed.current.backend else { Message.trap("the canister has no store") }
    let result = CandidType.result(of: type)
    do throws(StorageError) {
      let store = backend.store.acting(as: try Principal(Message.caller()))
      Message.reply(CandidEncoder.message(result, .variant(0, try body(backend, store))))
    } catch {
      Message.reply(CandidEncoder.message(result, .variant(1, .text(error.description))))
    }
  }

  /// The transaction with an id that came from a client.
  func transaction(_ id: UInt64) throws(StorageError) -> TransactionID {
    guard let transaction = TransactionID(rawValue: id) else { throw .unknownTransaction(id) }
    return transaction
  }
#endif
