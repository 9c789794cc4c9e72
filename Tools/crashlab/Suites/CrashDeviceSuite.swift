/// Power loss at every point of traces of the block device.
struct CrashDeviceSuite: TraceSuite {
  let name = "crash-device"
  let summary = "power loss at every point of traces of the block device, and inside recovery"
  let seconds = 240.0
  let floors = ["distinct": 350_000, "nested": 35_000]
  let letters = DeviceTrace.letters
  let randomLengths = 30...60

  var shapes: [String] { DeviceShape.all.map { $0.name } }

  func subject(_ shape: String) throws -> DeviceSubject { DeviceSubject(shape: try DeviceShape.named(shape)) }

  func record(_ shape: String, seed: UInt64, trace: String) throws -> Recording<DeviceState> {
    try DeviceTrace(shape: DeviceShape.named(shape), seed: seed).run(trace)
  }
}
