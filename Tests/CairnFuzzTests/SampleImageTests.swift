import CairnBlocks
import CairnFuzz
import CairnVolumes
import Testing

/// The samples that are changed must be sound and full, or changing them shows nothing.
@Suite("Sample images")
struct SampleImageTests {
  @Test(
    "are sound, show everything, and are the same each time", arguments: SampleImage.End.allCases, [512, 1024, 4096])
  func soundness(_ end: SampleImage.End, _ blockByteCount: Int) throws {
    let recipe = SampleImage.Recipe(end, blockByteCount: blockByteCount, pageCount: blockByteCount == 4096 ? 4 : 1)
    let sample = try SampleImage.make(recipe)
    #expect(SampleImage.Recipe(recipe.word) == recipe)
    #expect(try SampleImage.make(recipe).bytes == sample.bytes)
    #expect(!sample.sight.hasFailures && sample.sight.answers["large"] != .absent)
    #expect(sample.sight.answers["gone"] == .absent && sample.sight.answers["staged"] == .absent)
    #expect((sample.sight == sample.pastSights.last) == (end != .killed))
    let store = try Store.open(on: ImageMemory(sample.bytes), options: SampleImage.options(seed: 1, isReadOnly: true))
    #expect(try store.check(deep: true).findings == [])
    #expect(try store.transactions().count == 1)
  }

  @Test("say which answers are wrong")
  func lies() throws {
    let sample = try SampleImage.make(SampleImage.Recipe(.killed))
    #expect(sample.sight.lie(against: sample.sight) == nil)
    #expect(try sample.sight.lie(against: #require(sample.pastSights.last)) != nil)
  }
}
