class CoAttention(nn.Module):
    """Each stream asks the other."""

    def __init__(self, d, heads):
        """d: width of both streams; heads: divides d."""
        super().__init__()
        self.of_words = nn.MultiheadAttention(d, heads, batch_first=True)
        self.of_regions = nn.MultiheadAttention(d, heads, batch_first=True)
        self.norm_h, self.norm_g = nn.LayerNorm(d), nn.LayerNorm(d)

    def forward(self, h, g, words, regions):
        """The two new streams."""
        to_words, _ = self.of_words(h, g, g)
        to_regions, _ = self.of_regions(g, h, h)
        return self.norm_h(h + to_words), self.norm_g(g + to_regions)
