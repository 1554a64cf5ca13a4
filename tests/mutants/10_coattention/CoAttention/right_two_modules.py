class CoAttention(nn.Module):
    """Each stream asks the other."""

    def __init__(self, d, heads):
        """d: width of both streams; heads: divides d."""
        super().__init__()
        self.ask = nn.ModuleList(nn.MultiheadAttention(d, heads, batch_first=True) for _ in "hg")
        self.norm = nn.ModuleList(nn.LayerNorm(d) for _ in "hg")

    def forward(self, h, g, words, regions):
        """The two new streams."""
        new = []
        for k, (own, other, there) in enumerate(((h, g, regions), (g, h, words))):
            hidden = torch.logical_not(there)
            taken = self.ask[k](query=own, key=other, value=other, key_padding_mask=hidden)[0]
            new.append(self.norm[k](own + taken))
        return tuple(new)
